//! The binding of references when a file is loaded.

use serde::Serialize;

use super::{Failure, Kind, Process, Refusal};

/// A reference that was bound to what another module, or a file loaded by LoadFile, has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Bound {
    /// The symbol.
    pub symbol: String,
    /// The path of the file that has it.
    pub provider: String,
    /// The file has that symbol itself, and is bound to the other's all the same, which was loaded before.
    pub displaced: bool,
}

impl Process<'_> {
    /// Binds the references of all files that are new, `before` being the number of those that are not.
    pub(super) fn bind(&self, handle: usize, before: usize) -> Result<Vec<Bound>, Failure> {
        let mut bound = Vec::new();
        for index in self.in_order_of_binding(handle) {
            if index >= before {
                self.bind_one(handle, index, before, &mut bound)?;
            }
        }
        bound.sort();
        bound.dedup();
        Ok(bound)
    }

    /// Libraries before those that need them, the last found first: the order of glibc's depth-first sort
    /// (elf/dl-sort-maps.c), which is the default since 2.35.
    fn in_order_of_binding(&self, handle: usize) -> Vec<usize> {
        let scope = &self.mapped(handle).scope;
        let mut order = Vec::with_capacity(scope.len());
        let mut seen = vec![false; self.mapped.len()];
        for start in scope.iter().rev() {
            // With an explicit stack: each entry is a file and how many of its libraries were gone through.
            let mut stack = vec![(*start, 0)];
            while let Some((index, next)) = stack.pop() {
                if next == 0 {
                    if seen[index] {
                        continue;
                    }
                    seen[index] = true;
                }
                let needed = &self.mapped(index).object.dynamic.needed;
                let Some(library) = needed.get(next) else {
                    order.push(index);
                    continue;
                };
                stack.push((index, next + 1));
                let known = |other: &usize| self.mapped(*other).names.iter().any(|name| name == library);
                if let Some(library) = scope.iter().copied().find(known) {
                    stack.push((library, 0));
                }
            }
        }
        order
    }

    fn bind_one(
        &self,
        handle: usize,
        index: usize,
        before: usize,
        bound: &mut Vec<Bound>,
    ) -> Result<(), Failure> {
        let mapped = self.mapped(index);
        let relocations = mapped.content.relocations().map_err(|reason| {
            Failure::Crash(format!(
                "{} is malformed in a way that the dynamic linker does not look for: {reason}",
                mapped.name
            ))
        })?;
        let symbols = &mapped.object.dynamic.symbols;
        let mut seen = vec![false; symbols.len()];
        for place in &relocations.symbols {
            let place = *place;
            let Some(symbol) = symbols.get(place).filter(|_| !std::mem::replace(&mut seen[place], true))
            else {
                continue;
            };
            // What is local, or hidden from others, is bound at once.
            if !symbol.undefined && !symbol.exported {
                continue;
            }
            // A file's own versioned symbol is looked for by that version too.
            match self.lookup(handle, &symbol.name, symbol.version.as_deref()) {
                Some(provider) => {
                    let other = self.mapped(provider);
                    // What comes along with the file is its own affair.
                    if provider < before && other.kind != Kind::Program {
                        bound.push(Bound {
                            symbol: symbol.name.clone(),
                            provider: other.name.clone(),
                            displaced: !symbol.undefined,
                        });
                    }
                }
                None if symbol.weak || !symbol.undefined => {}
                None => {
                    return Err(Refusal::Undefined {
                        file: mapped.name.clone(),
                        symbol: symbol.name.clone(),
                        version: symbol.version.clone(),
                    }
                    .into());
                }
            }
        }
        Ok(())
    }

    /// The first file that has a symbol: of those that were loaded before, then of those that `handle` brings along.
    fn lookup(&self, handle: usize, symbol: &str, version: Option<&str>) -> Option<usize> {
        let scope = self.global.iter().chain(&self.mapped(handle).scope).copied();
        scope.into_iter().find(|index| self.mapped(*index).object.defines(symbol, version))
    }
}
