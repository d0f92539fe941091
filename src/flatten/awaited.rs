//! Names of other modules that only code under a condition uses: whether it is compiled, the compiler decides.

use std::collections::BTreeSet;

use super::Error;
use super::error::Place;
use super::parts::OtherModule;

/// A name that another module has to provide if the code that uses it is compiled.
#[derive(Debug, Clone)]
pub struct Awaited {
    pub(super) name: String,
    pub(super) module: OtherModule,
    /// The first use.
    pub(super) place: Place,
}

/// That another module must be there first, where the compiled module is left with names of it that nobody has. `undefined`
/// are the symbols without a provider.
pub fn awaited_module(awaited: &[Awaited], undefined: &BTreeSet<&str>) -> Option<Error> {
    let mut used = awaited.iter().filter(|one| undefined.contains(one.name.as_str()));
    let first = used.next()?;
    let others = used.filter(|one| one.module == first.module).map(|one| one.name.clone());
    let names = std::iter::once(first.name.clone()).chain(others).collect();
    Some(Error::needs(&first.module, &names, first.place.clone()))
}
