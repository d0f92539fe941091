//! Which packages are published: those that stay, those that come, and where these are to lie.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use fs_err::File;

use super::Publication;
use crate::publish::arrive::{self, Arrived, Demands, Given};
use crate::publish::entry::Entry;
use crate::publish::{Error, parallel, remove};
use crate::sign::Keyring;

impl Publication<'_> {
    /// The packages that stay where they are, and those of them of which there is another file now.
    pub(super) fn kept(&self) -> Result<(Vec<Entry>, Vec<String>), Error> {
        let Some(current) = &self.current else { return Ok((Vec::new(), Vec::new())) };
        let own = current.own.as_ref();
        let known_to_be_signed = own.is_some_and(|own| own.state.settings.packages_signed);
        let entries = own.map_or(&[][..], |own| &own.entries);
        let gone = |href: &str| self.request.remove.iter().any(|spec| remove::names_file(spec, href));
        // A signature that is demanded now and was not looked at before takes reading.
        let full = self.request.full || (self.demanded().is_some() && !known_to_be_signed);
        let unchanged = parallel::map(entries, |entry| {
            let found = fs_err::symlink_metadata(self.folder.join(&entry.href));
            match found {
                Ok(found) => Ok(!full && is_as(&found, entry)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    let leaves = remove::is_named(&self.request.remove, entry);
                    if leaves { Ok(true) } else { Err(self.gone(&entry.href)) }
                }
                Err(error) => Err(error.into()),
            }
        });
        let mut kept = Vec::with_capacity(entries.len());
        let mut again: Vec<Given> = Vec::new();
        let in_place = |href: &str| Given { path: self.folder.join(href), href: Some(href.to_owned()) };
        for (entry, unchanged) in entries.iter().zip(unchanged) {
            if unchanged? {
                kept.push(entry.clone());
            } else {
                again.push(in_place(&entry.href));
            }
        }
        for href in current.unread.iter().filter(|href| !gone(href)) {
            if !self.folder.join(href).exists() {
                return Err(self.gone(href));
            }
            again.push(in_place(href));
        }
        let by_href: HashMap<&str, &Entry> =
            entries.iter().map(|entry| (entry.href.as_str(), entry)).collect();
        let mut replaced = Vec::new();
        for arrived in self.read(&again, &|_| false)? {
            let href = arrived.given.href.clone().unwrap_or_default();
            if let Some(old) = by_href.get(href.as_str()).filter(|old| old.sha256 != arrived.sha256) {
                if !self.request.replace {
                    return Err(Error::Replaced { nevra: old.nevra(), path: arrived.given.path });
                }
                replaced.push(old.nevra());
            }
            kept.push(self.in_place(&arrived, &href)?);
        }
        Ok((kept, replaced))
    }

    fn gone(&self, href: &str) -> Error {
        Error::Gone { path: self.folder.join(href), file: href.to_owned() }
    }

    /// The keys of which one has to have signed each package.
    pub(super) fn demanded(&self) -> Option<&Keyring> {
        self.keys.as_ref().filter(|_| !self.request.allow_unsigned)
    }

    fn read(&self, given: &[Given], known: &(dyn Fn(&str) -> bool + Sync)) -> Result<Vec<Arrived>, Error> {
        let demands = Demands { keys: self.demanded(), staging: &self.staging };
        Ok(arrive::read(given, demands, known)?.into_iter().flatten().collect())
    }

    /// The packages that were given and are not published yet.
    pub(super) fn arrived(&self, entries: &[Entry]) -> Result<Vec<Arrived>, Error> {
        let given = arrive::given(self.folder, &self.request.packages)?;
        let sums: HashSet<&str> = entries.iter().map(|entry| entry.sha256.as_str()).collect();
        let places: HashSet<&str> = entries.iter().map(|entry| entry.href.as_str()).collect();
        let known = |sha256: &str| sums.contains(sha256);
        let new = given
            .into_iter()
            .filter(|given| !given.href.as_deref().is_some_and(|href| places.contains(href)));
        self.read(&new.collect::<Vec<_>>(), &known)
    }

    /// What a package that lies in the repository is in its metadata. Its time becomes that of its build.
    fn in_place(&self, arrived: &Arrived, href: &str) -> Result<Entry, Error> {
        let file = File::open(self.folder.join(href))?;
        arrive::set_time(file.file(), arrived.listing.build_time)?;
        Ok(arrived.entry(href))
    }

    /// Puts what arrived among the entries, and says where each is to lie.
    pub(super) fn merge(
        &mut self,
        entries: &mut Vec<Entry>,
        arrived: &[Arrived],
    ) -> Result<Vec<Option<String>>, Error> {
        let mut names: HashMap<String, usize> =
            entries.iter().enumerate().map(|(number, entry)| (entry.nevra(), number)).collect();
        let mut from: HashMap<usize, &Path> = HashMap::new();
        let mut places = Vec::with_capacity(arrived.len());
        for package in arrived {
            let path = package.given.path.as_path();
            let entry = package.entry("");
            let nevra = entry.nevra();
            let same = names.get(&nevra).copied();
            if let Some(number) = same {
                let old = &entries[number];
                match (from.get(&number), old.sha256 == entry.sha256) {
                    (_, true) => {
                        places.push(None);
                        continue;
                    }
                    (Some(first), false) => {
                        let (first, second) = ((*first).to_owned(), path.to_owned());
                        return Err(Error::Twice { nevra, first, second });
                    }
                    (None, false) if !self.request.replace => {
                        return Err(Error::Replaced { nevra, path: path.to_owned() });
                    }
                    (None, false) => {}
                }
            }
            let (entry, place) = match &package.given.href {
                Some(href) => (self.in_place(package, href)?, None),
                None => {
                    let (href, there) = self.place_for(&entry)?;
                    (package.entry(&href), (!there).then_some(href))
                }
            };
            places.push(place);
            let number = match same {
                Some(number) => {
                    self.done.replaced.push(nevra.clone());
                    entries[number] = entry;
                    number
                }
                None => {
                    self.done.added.push(nevra.clone());
                    entries.push(entry);
                    entries.len() - 1
                }
            };
            names.insert(nevra, number);
            from.insert(number, path);
        }
        Ok(places)
    }

    /// Where a package that comes from elsewhere is to lie, and whether it does already. No file is ever replaced by another:
    /// clients that have older metadata ask for the one that it names.
    fn place_for(&self, entry: &Entry) -> Result<(String, bool), Error> {
        let version = &entry.evr;
        let name = format!("{}-{}-{}.{}.rpm", entry.name, version.version, version.release, entry.arch);
        let digits = entry.sha256.get(..16).unwrap_or_default();
        for href in [format!("Packages/{name}"), format!("Packages/{digits}/{name}")] {
            let path = self.folder.join(&href);
            if !path.exists() {
                return Ok((href, false));
            }
            if path.is_file() && arrive::pass(&path, None)? == entry.sha256 {
                return Ok((href, true));
            }
        }
        // What is at a place that is named by these digits is damaged.
        Ok((format!("Packages/{digits}/{name}"), false))
    }
}

/// Whether a file is what was read when it was published, by its size and time. It was given a time of whole seconds: one that
/// somebody wrote in that very second has a fraction.
fn is_as(found: &std::fs::Metadata, entry: &Entry) -> bool {
    use std::os::unix::fs::MetadataExt;
    let dated = u64::try_from(found.mtime()) == Ok(entry.time) && found.mtime_nsec() == 0;
    found.is_file() && found.len() == entry.size && dated
}
