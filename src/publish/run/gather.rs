//! Which packages are published: those that stay, those that come, and where these are to lie.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use fs_err::File;
use rustix::io::Errno;

use super::Publication;
use crate::beneath::at;
use crate::parallel;
use crate::publish::arrive::{self, Arrived, Demands, Given};
use crate::publish::current::Packages;
use crate::publish::entry::{Entry, Nevra};
use crate::publish::own::Package;
use crate::publish::remove::Removal;
use crate::publish::{Error, served};
use crate::rpm;
use crate::sign::Keyring;

impl Publication<'_> {
    /// The packages that stay where they are, and those of them of which there is another file now. Of `given`, some may be there to
    /// take the place of what is damaged.
    pub(super) fn kept(&self, removal: &Removal<'_>, given: &[Given]) -> Result<Kept, Error> {
        let Some(current) = &self.current else { return Ok(Kept::default()) };
        let packages = current.known();
        let mut kept = Vec::with_capacity(packages.len() + self.request.packages.len());
        let mut again: Vec<Given> = Vec::new();
        let in_place = |href: &str| {
            let (path, href) = (self.folder.join(href), Some(href.to_owned()));
            Given { path, href, is_named: false }
        };
        let mut broken = HashSet::new();
        let offered = LazyCell::new(|| offered(given));
        for (Package { entry, .. }, stays) in packages.iter().zip(self.stay(packages, removal)?) {
            let is_offered = || offered.nevras.contains(&entry.nevra().to_string());
            match stays {
                Stays::Whole => kept.push(Arc::clone(entry)),
                Stays::Gone | Stays::Unread if is_offered() && !self.is_whole(entry)? => {
                    broken.insert(entry.href.clone());
                    kept.push(Arc::clone(entry));
                }
                Stays::Gone => return Err(self.gone(&entry.href)),
                Stays::Unread => again.push(in_place(&entry.href)),
            }
        }
        let mut gone = Vec::new();
        if let Packages::Unread { hrefs, .. } = &current.packages {
            for href in hrefs {
                if removal.names_file(href) {
                    gone.push(href.clone());
                } else if offered.files.contains(file_name(href)) && self.is_broken(&in_place(href)) {
                    // What is offered comes as a new one.
                } else if self.folder.join(href).exists() {
                    again.push(in_place(href));
                } else {
                    return Err(self.gone(href));
                }
            }
        }
        if again.is_empty() {
            return Ok(Kept { entries: kept, gone, broken, ..Kept::default() });
        }
        let by_href: HashMap<&str, &Arc<Entry>> =
            packages.iter().map(|Package { entry, .. }| (entry.href.as_str(), entry)).collect();
        let mut replaced = Vec::new();
        let read = self.read(&again, &|_| false).map_err(|error| self.damaged(error))?;
        for arrived in &read {
            let href = arrived.given.href.clone().unwrap_or_default();
            if let Some(old) = by_href.get(href.as_str()).filter(|old| old.sha256 != arrived.sha256) {
                let nevra = old.nevra().to_string();
                if !self.request.replace {
                    return Err(Error::Replaced { nevra, path: arrived.given.path.clone() });
                }
                replaced.push(nevra);
            }
            kept.push(self.entry(arrived, &href)?);
        }
        Ok(Kept { entries: kept, gone, broken, replaced, notes: refusal_notes(&read) })
    }

    /// Of each package whether it stays as it was read when it was published. One that is gone is none where it is taken out.
    fn stay(&self, packages: &[Package], removal: &Removal<'_>) -> Result<Vec<Stays>, Error> {
        let before = self.current.as_ref().and_then(|current| current.state.as_ref());
        let known_to_be_signed = before.is_some_and(|state| state.settings.packages_signed);
        let judged_for = before.map_or(&[][..], |state| &state.settings.served);
        let serves_others = self.settings.served.iter().ne(judged_for);
        // A signature that is demanded now and was not looked at before takes reading, and so do other releases.
        let unjudged = serves_others || (self.demanded().is_some() && !known_to_be_signed);
        let full = self.request.full || unjudged;
        let stays = |Package { entry, is_unchanged }: &Package| match *is_unchanged {
            Ok(true) if !full => Ok(Stays::Whole),
            // What is taken out need not be looked at: it may be what is wrong with the rest.
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) if removal.names(entry) => Ok(Stays::Whole),
            Ok(_) => Ok(Stays::Unread),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(Stays::Gone),
            Err(errno) => Err(at(&self.folder.join(&entry.href), errno.into()).into()),
        };
        packages.iter().map(stays).collect()
    }

    fn gone(&self, href: &str) -> Error {
        Error::Gone {
            path: self.folder.join(href),
            repository: self.folder.to_owned(),
            file: href.to_owned(),
        }
    }

    /// The error of a package that lies in the repository: where it is damaged, another thing helps than with one that is to come.
    fn damaged(&self, error: Error) -> Error {
        match error {
            Error::Rpm(rpm::Error::Damaged { path, reason } | rpm::Error::NotAPackage { path, reason }) => {
                let file = path.strip_prefix(self.folder).unwrap_or(&path).display().to_string();
                Error::Damaged { path, reason, repository: self.folder.to_owned(), file }
            }
            error => error,
        }
    }

    /// Whether the file of a package is the one that was published.
    fn is_whole(&self, entry: &Entry) -> Result<bool, Error> {
        let path = self.folder.join(&entry.href);
        Ok(path.is_file() && arrive::pass(&path, None)? == entry.sha256)
    }

    /// Whether a package of which nothing is known is not there, or no package any more.
    fn is_broken(&self, published: &Given) -> bool {
        let read =
            || self.read(std::slice::from_ref(published), &|_| false).map_err(|error| self.damaged(error));
        !published.path.exists() || matches!(read(), Err(Error::Damaged { .. }))
    }

    /// The keys of which one has to have signed each package.
    pub(super) fn demanded(&self) -> Option<&Keyring> {
        self.keys.as_ref().filter(|_| !self.request.allow_unsigned)
    }

    fn read(&self, given: &[Given], known: &(dyn Fn(&str) -> bool + Sync)) -> Result<Vec<Arrived>, Error> {
        let demands = Demands { keys: self.demanded(), served: &self.served, staging: &self.staging };
        Ok(arrive::read(given, demands, known)?.into_iter().flatten().collect())
    }

    /// The packages that were given and are not published yet, or have to take the place of `broken` ones.
    pub(super) fn arrived(
        &self,
        given: Vec<Given>,
        entries: &[Arc<Entry>],
        broken: &HashSet<String>,
    ) -> Result<Vec<Arrived>, Error> {
        let whole = entries.iter().filter(|entry| !broken.contains(&entry.href));
        let sums: HashSet<&str> = whole.map(|entry| entry.sha256.as_str()).collect();
        let places = || -> HashSet<&str> { entries.iter().map(|entry| entry.href.as_str()).collect() };
        let places = LazyCell::new(places);
        let known = |sha256: &str| sums.contains(sha256);
        // What was taken out lies there for clients that have begun: to look through the folder is not to bring it back.
        let left = || -> HashSet<&str> {
            self.current.iter().flat_map(|current| current.left().chain(current.packages())).collect()
        };
        let left = LazyCell::new(left);
        let is_new = |given: &Given| match given.href.as_deref() {
            Some(href) => !places.contains(href) && (given.is_named || !left.contains(href)),
            None => true,
        };
        let new: Vec<Given> = given.into_iter().filter(is_new).collect();
        self.read(&new, &known)
    }

    /// What a package is in the metadata that lies at `href`. The time of one that is there already becomes that of its build.
    fn entry(&self, arrived: &Arrived, href: &str) -> Result<Arc<Entry>, Error> {
        if arrived.given.href.is_some() {
            let file = File::open(self.folder.join(href))?;
            arrive::set_time(file.file(), arrived.listing.build_time)?;
        }
        Ok(Arc::new(arrived.entry(href)))
    }

    /// Puts what arrived among the entries, and says where each is to lie.
    pub(super) fn merge(
        &mut self,
        entries: &mut Vec<Arc<Entry>>,
        arrived: &[Arrived],
        broken: &HashSet<String>,
    ) -> Result<Vec<Option<String>>, Error> {
        let Merged { coming, replaces, places } = self.coming(entries, arrived, broken)?;
        let made = parallel::map(&coming, |(number, href)| self.entry(&arrived[*number], href));
        for (entry, replaces) in made.into_iter().zip(replaces) {
            let entry = entry?;
            let nevra = entry.nevra().to_string();
            match replaces {
                Some(number) => {
                    self.done.replaced.push(nevra);
                    entries[number] = entry;
                }
                None => {
                    self.done.added.push(nevra);
                    entries.push(entry);
                }
            }
        }
        Ok(places)
    }

    fn coming(
        &self,
        entries: &[Arc<Entry>],
        arrived: &[Arrived],
        broken: &HashSet<String>,
    ) -> Result<Merged, Error> {
        let mut first: HashMap<Nevra<'_>, usize> = HashMap::with_capacity(arrived.len());
        for (number, package) in arrived.iter().enumerate() {
            first.entry(package.nevra()).or_insert(number);
        }
        let published = entries.iter().enumerate();
        let published: HashMap<usize, usize> =
            published.filter_map(|(number, entry)| Some((*first.get(&entry.nevra())?, number))).collect();
        let mut taken = HashSet::new();
        let mut merged = Merged::default();
        for (number, package) in arrived.iter().enumerate() {
            let path = package.given.path.as_path();
            let first = first[&package.nevra()];
            if first != number {
                if arrived[first].sha256 != package.sha256 {
                    let (first, second) = (arrived[first].given.path.clone(), path.to_owned());
                    return Err(Error::Twice { nevra: package.nevra().to_string(), first, second });
                }
                merged.places.push(None);
                continue;
            }
            let replaces = published.get(&number).copied();
            if let Some(old) = replaces.map(|number| &entries[number]) {
                if old.sha256 == package.sha256 {
                    // The metadata says of it what it said: only the file is put back.
                    merged.places.push(broken.get(&old.href).cloned());
                    continue;
                }
                if !self.request.replace {
                    let nevra = package.nevra().to_string();
                    return Err(Error::Replaced { nevra, path: path.to_owned() });
                }
            }
            let (href, place) = match &package.given.href {
                Some(href) => (href.clone(), None),
                None => {
                    let (href, there) = self.place_for(package, &taken)?;
                    (href.clone(), (!there).then_some(href))
                }
            };
            taken.insert(href.clone());
            merged.coming.push((number, href));
            merged.replaces.push(replaces);
            merged.places.push(place);
        }
        Ok(merged)
    }

    /// Where a package that comes from elsewhere is to lie, and whether it does already. No file is ever replaced by another, but a
    /// damaged one by the one that it was: clients that have older metadata ask for the one that it names.
    fn place_for(&self, package: &Arrived, taken: &HashSet<String>) -> Result<(String, bool), Error> {
        let name = file_of(package.nevra());
        let digits = package.sha256.get(..16).unwrap_or_default();
        for href in [format!("Packages/{name}"), format!("Packages/{digits}/{name}")] {
            let path = self.folder.join(&href);
            if taken.contains(&href) {
                continue;
            }
            if !path.exists() {
                return Ok((href, false));
            }
            if path.is_file() && arrive::pass(&path, None)? == package.sha256 {
                return Ok((href, true));
            }
        }
        // What is at a place that is named by these digits is damaged.
        Ok((format!("Packages/{digits}/{name}"), false))
    }
}

/// How a package that was published lies there.
enum Stays {
    /// As it was read when it was published, as far as size and time tell; or what it is does not matter.
    Whole,
    /// It has to be read again.
    Unread,
    Gone,
}

/// What was given from elsewhere, by what it says of itself.
struct Offered {
    /// As people write them.
    nevras: HashSet<String>,
    /// The names that their files have where they are published.
    files: HashSet<String>,
}

/// What cannot be read offers nothing; that is told when it is read to be published.
fn offered(given: &[Given]) -> Offered {
    let elsewhere: Vec<&Given> = given.iter().filter(|given| given.href.is_none()).collect();
    let listings = parallel::map(&elsewhere, |given| rpm::listing(&given.path).ok());
    let mut offered = Offered { nevras: HashSet::new(), files: HashSet::new() };
    for listing in listings.iter().flatten() {
        let nevra = arrive::nevra(listing);
        offered.nevras.insert(nevra.to_string());
        offered.files.insert(file_of(nevra));
    }
    offered
}

/// The name of a package's file. Without the epoch, as rpm names them: two that differ in nothing else want one place.
fn file_of(nevra: Nevra<'_>) -> String {
    format!("{}.rpm", Nevra { epoch: 0, ..nevra })
}

fn file_name(href: &str) -> &str {
    href.rsplit('/').next().unwrap_or(href)
}

/// The packages that stay.
#[derive(Default)]
pub(super) struct Kept {
    pub entries: Vec<Arc<Entry>>,
    /// Where those lie that are taken out and were not read for that.
    pub gone: Vec<String>,
    /// Where those of them lie that are gone or damaged, and of which the right file may have been given.
    pub broken: HashSet<String>,
    /// Those of them of which there is another file now.
    pub replaced: Vec<String>,
    /// What a person should know of those that were read again.
    pub notes: Vec<String>,
}

/// What a person should know of packages that some of the served releases do not take.
pub(super) fn refusal_notes(arrived: &[Arrived]) -> Vec<String> {
    served::notes(arrived.iter().map(|package| (package.nevra().to_string(), &package.refusals[..])))
}

/// What comes of packages that have arrived.
#[derive(Default)]
struct Merged {
    /// Which of them come among the entries, and where they lie then.
    coming: Vec<(usize, String)>,
    /// Which entry each of those replaces.
    replaces: Vec<Option<usize>>,
    /// Where each that has arrived has to be put.
    places: Vec<Option<String>>,
}
