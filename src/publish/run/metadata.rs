//! What the metadata says of the packages, and what is noted beside it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::Publication;
use crate::download::{Algorithm, Digest};
use crate::hash::sha256;
use crate::publish::current::{KEYS, Packages, REPODATA, file_name, is_foreign};
use crate::publish::entry::Entry;
use crate::publish::packed::{self, Packed};
use crate::publish::piece::Rope;
use crate::publish::state::{Older, State};
use crate::publish::{Error, KINDS, fragment, repomd};
use crate::repository::repomd::Record;
use crate::sign::{Keyring, armored_signature};

/// The new metadata, all of it.
#[derive(Debug)]
pub(super) struct NewMetadata {
    /// Primary, filelists and other.
    pub files: Vec<Packed>,
    /// What repomd.xml names: these files first.
    pub records: Vec<Record>,
    /// Files of the old state that it names, too.
    pub foreign: Vec<String>,
    /// repomd.xml.
    pub text: String,
    pub signature: Option<String>,
    /// The keys' file.
    pub keys: Option<String>,
    pub state: State,
}

impl Publication<'_> {
    /// Primary, filelists and other.
    pub(super) fn pack(&self, entries: &[Arc<Entry>]) -> Result<Vec<Packed>, Error> {
        let beginnings = fragment::beginnings(entries.len());
        let files: Vec<Vec<Rope>> = beginnings
            .into_iter()
            .zip(fragment::ENDS)
            .enumerate()
            .map(|(number, (beginning, end))| {
                let mut parts = vec![Rope::from(beginning), Rope::default()];
                for entry in entries {
                    if entry.begins_member() {
                        parts.push(Rope::default());
                    }
                    if let Some(part) = parts.last_mut() {
                        part.push(entry.xml[number].clone());
                    }
                }
                parts.push(end.to_owned().into());
                parts.retain(|part| !part.is_empty());
                parts
            })
            .collect();
        Ok(packed::pack(&files, self.settings.compression())?)
    }

    /// All that is to be written of packages whose metadata is packed already. `time` is the revision.
    pub(super) fn metadata(
        &self,
        entries: &[Arc<Entry>],
        files: Vec<Packed>,
        keys: Option<String>,
        time: u64,
    ) -> Result<NewMetadata, Error> {
        let (records, foreign) = self.records(&files)?;
        let text = repomd::render(&records, time, &self.fingerprints());
        let signature = self.sign(&text, time)?;
        let mut state = self.state(&text, entries, &files, &records);
        state.unsigned = signature.is_none();
        Ok(NewMetadata { files, records, foreign, text, signature, keys, state })
    }

    /// What repomd.xml names, and which of that are files of the old state.
    fn records(&self, files: &[Packed]) -> Result<(Vec<Record>, Vec<String>), Error> {
        let ending = packed::ending(self.settings.compression());
        let digest = |hex: &str| Digest::new(Algorithm::Sha256, hex);
        let mut records = Vec::new();
        for (kind, file) in KINDS.iter().zip(files) {
            let Some(sum) = digest(&file.sha256) else { continue };
            records.push(Record {
                kind: (*kind).to_owned(),
                href: format!("{REPODATA}/{}-{kind}.xml{ending}", file.sha256),
                base: None,
                digest: sum,
                open_digest: digest(&file.open_sha256),
                size: Some(file.bytes.len() as u64),
                open_size: Some(file.open_size as u64),
            });
        }
        let mut foreign = Vec::new();
        let old = self.current.iter().flat_map(|current| &current.records);
        for record in old.filter(|record| is_foreign(&record.kind)) {
            if let Some(name) = file_name(record) {
                foreign.push(name.to_owned());
                records.push(record.clone());
            }
        }
        Ok((records, foreign))
    }

    fn sign(&self, text: &str, time: u64) -> Result<Option<String>, Error> {
        let Some(signer) = self.signer else { return Ok(None) };
        let packet = signer.sign(&mut text.as_bytes(), time)?;
        let signature = armored_signature(&packet).map_err(|reason| Error::Signature { reason })?;
        Ok(Some(signature))
    }

    /// What is noted, with what is kept of older states and what leaves with them.
    fn state(&self, text: &str, entries: &[Arc<Entry>], files: &[Packed], records: &[Record]) -> State {
        let mut parts = files.iter().map(|file| file.parts.clone());
        let parts = [(); 3].map(|()| parts.next().unwrap_or_default());
        let mut state = State::new(sha256(text.as_bytes()), self.settings.clone(), parts);
        let Some(current) = &self.current else { return state };
        let now: HashSet<&str> = entries.iter().map(|entry| entry.href.as_str()).collect();
        let files: HashSet<&str> = records.iter().filter_map(file_name).collect();
        let mut older = Vec::new();
        let mut left: HashSet<String> = HashSet::new();
        let before = Older {
            files: current.files().into_iter().filter(|name| !files.contains(name.as_str())).collect(),
            packages: current.packages().filter(|href| !now.contains(href)).map(str::to_owned).collect(),
        };
        if current.texts.repomd != text.as_bytes() {
            older.push(before);
        }
        if let Some(state) = &current.state {
            older.extend(state.older.iter().cloned());
            left.extend(state.leaving.iter().cloned());
        }
        let dropped = older.split_off(older.len().min(self.request.keep));
        left.extend(dropped.into_iter().flat_map(|dropped| dropped.packages));
        let kept: HashSet<&str> =
            older.iter().flat_map(|older| &older.packages).map(String::as_str).collect();
        let mut leaving: Vec<String> = left
            .into_iter()
            .filter(|href| !now.contains(href.as_str()) && !kept.contains(href.as_str()))
            .filter(|href| self.folder.join(href).exists())
            .collect();
        leaving.sort();
        state.older = older;
        state.leaving = leaving;
        state
    }

    /// Whether all that would be written stands there already.
    pub(super) fn is_published(&self, new: &NewMetadata) -> bool {
        let Some(current) = &self.current else { return false };
        let (Some(state), Packages::Known(_)) = (&current.state, &current.packages) else { return false };
        let signed = match (&new.signature, &current.texts.signature) {
            (None, None) => true,
            // Not every signer makes the same bytes twice: what holds is good.
            (Some(_), Some(there)) => self.signer.is_some_and(|signer| {
                let key = Keyring::parse(signer.key().public_key.as_bytes(), Path::new(KEYS));
                let data = || Ok(Box::new(new.text.as_bytes()) as Box<dyn std::io::Read>);
                key.is_ok_and(|key| key.verify_detached(there, &data).is_ok())
            }),
            _ => false,
        };
        signed
            && current.texts.repomd == new.text.as_bytes()
            && current.texts.keys.as_deref() == new.keys.as_deref().map(str::as_bytes)
            // What has left is no reason to write it all anew.
            && state.clone().without_leaving() == new.state.clone().without_leaving()
    }
}
