//! A name with or without a version: what a package requires or provides, and whether the one is the other.

use std::cmp::Ordering;
use std::fmt;

use rpm_version::Evr;

/// Which versions are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sense {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Sense {
    /// By its name in metadata.
    pub(super) fn parse(flags: &str) -> Option<Self> {
        Some(match flags {
            "EQ" => Sense::Equal,
            "LT" => Sense::Less,
            "LE" => Sense::LessOrEqual,
            "GT" => Sense::Greater,
            "GE" => Sense::GreaterOrEqual,
            _ => return None,
        })
    }

    /// By its sign in a rich requirement.
    pub(super) fn sign(sign: &str) -> Option<Self> {
        Some(match sign {
            "=" => Sense::Equal,
            "<" => Sense::Less,
            "<=" => Sense::LessOrEqual,
            ">" => Sense::Greater,
            ">=" => Sense::GreaterOrEqual,
            _ => return None,
        })
    }

    fn has(self, ordering: Ordering) -> bool {
        match self {
            Sense::Equal => ordering == Ordering::Equal,
            Sense::Less => ordering == Ordering::Less,
            Sense::LessOrEqual => ordering != Ordering::Greater,
            Sense::Greater => ordering == Ordering::Greater,
            Sense::GreaterOrEqual => ordering != Ordering::Less,
        }
    }
}

impl fmt::Display for Sense {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Sense::Equal => "=",
            Sense::Less => "<",
            Sense::LessOrEqual => "<=",
            Sense::Greater => ">",
            Sense::GreaterOrEqual => ">=",
        })
    }
}

/// A version as a relation or a package has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Version {
    /// 0 where none is stated.
    pub epoch: u32,
    /// The version itself.
    pub version: String,
    /// Empty where any will do.
    pub release: String,
}

impl Version {
    /// Reads `[EPOCH:]VERSION[-RELEASE]`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (epoch.parse().ok()?, rest),
            None => (0, text),
        };
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (!version.is_empty()).then(|| Version {
            epoch,
            version: version.to_owned(),
            release: release.to_owned(),
        })
    }

    /// As rpm does it. Releases count where both have one.
    pub fn compare(&self, other: &Version) -> Ordering {
        let releases = !self.release.is_empty() && !other.release.is_empty();
        fn whole(of: &Version, releases: bool) -> Evr<'_> {
            Evr::new("", of.version.as_str(), if releases { of.release.as_str() } else { "" })
        }
        self.epoch.cmp(&other.epoch).then_with(|| whole(self, releases).cmp(&whole(other, releases)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.epoch > 0 {
            write!(formatter, "{}:", self.epoch)?;
        }
        formatter.write_str(&self.version)?;
        if !self.release.is_empty() {
            write!(formatter, "-{}", self.release)?;
        }
        Ok(())
    }
}

/// A name, and the versions of it that are meant; all where none are stated.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Relation {
    /// A package, a capability such as `libc.so.6()(64bit)`, or a path.
    pub name: String,
    /// Which versions.
    pub versions: Option<(Sense, Version)>,
}

impl Relation {
    /// Any version.
    pub(super) fn any(name: impl Into<String>) -> Self {
        Relation { name: name.into(), versions: None }
    }

    /// Whether what provides `self` is what `required` asks for: there is a version that both mean (librpm's
    /// `rpmdsCompare`). The names are taken to be equal. What provides no version provides every one.
    pub(super) fn satisfies(&self, required: &Relation) -> bool {
        let (Some((has, mine)), Some((wants, other))) = (&self.versions, &required.versions) else {
            return true;
        };
        match mine.compare(other) {
            Ordering::Equal => {
                let both = |ordering| has.has(ordering) && wants.has(ordering);
                both(Ordering::Equal) || both(Ordering::Less) || both(Ordering::Greater)
            }
            // Mine is below: it reaches up, or the other down.
            Ordering::Less => has.has(Ordering::Greater) || wants.has(Ordering::Less),
            Ordering::Greater => has.has(Ordering::Less) || wants.has(Ordering::Greater),
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        match &self.versions {
            Some((sense, version)) => write!(formatter, " {sense} {version}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(text: &str) -> Relation {
        let words: Vec<&str> = text.split(' ').collect();
        let versions = |sign: &str, version: &str| Some((Sense::sign(sign)?, Version::parse(version)?));
        Relation {
            name: words[0].to_owned(),
            versions: words.get(2).and_then(|version| versions(words[1], version)),
        }
    }

    #[test]
    fn versions_are_compared_as_rpm_does() {
        let version = |text: &str| Version::parse(text).unwrap();
        for (lower, higher) in [
            ("2.4.6-97.el7", "2.4.37-1.el8"),
            ("2.4.9", "1:2.4.6"),
            ("2.4.6~rc1-1", "2.4.6-1"),
            ("2.4.6-1", "2.4.6^git1-1"),
            ("2.4.6-9", "2.4.6-10"),
            ("2.4.6-1.el8", "2.4.6-1.el8.1"),
        ] {
            assert_eq!(version(lower).compare(&version(higher)), Ordering::Less, "{lower} {higher}");
            assert_eq!(version(higher).compare(&version(lower)), Ordering::Greater, "{lower} {higher}");
        }
        assert_eq!(version("2.4.6").compare(&version("2.4.6-97")), Ordering::Equal);
        assert_eq!(version("0:2.4.6-97").compare(&version("2.4.6-97")), Ordering::Equal);
        for bad in ["", "x:1", ":1", "-1", "4294967296:1"] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
    }

    /// By the rules of librpm's `rpmdsCompare`, as read; not compared with the program.
    #[test]
    fn ranges_overlap_as_in_rpm() {
        for (provided, required, verdict) in [
            ("a = 1-1", "a", true),
            ("a", "a = 1-1", true),
            ("a = 1-1", "a = 1", true),
            ("a = 1-1", "a = 1-2", false),
            ("a = 1", "a = 1-2", true),
            ("a = 1-1", "a >= 1", true),
            ("a = 1-1", "a > 1", false),
            ("a = 1-1", "a < 1", false),
            ("a = 1-1", "a < 2", true),
            ("a = 1:1-1", "a < 2", false),
            ("a >= 1", "a = 3", true),
            ("a < 1", "a = 3", false),
            ("a < 3", "a > 1", true),
            ("a < 1", "a < 1", true),
            ("a < 1", "a >= 1", false),
            ("a <= 1", "a >= 1", true),
            ("a > 1", "a > 5", true),
        ] {
            assert_eq!(relation(provided).satisfies(&relation(required)), verdict, "{provided}, {required}");
        }
    }
}
