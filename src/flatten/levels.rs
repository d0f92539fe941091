//! Which of the `#if`s around a place are taken, directive by directive.

use crate::c::directive::Directive;

/// The `#if`s that are open, each with what was known where it stands: a macro may be defined behind it.
#[derive(Debug, Default)]
pub(super) struct Levels(Vec<Level>);

#[derive(Debug, Clone, Copy, Default)]
struct Level {
    /// Whether one of its branches so far is compiled.
    taken: Option<bool>,
    /// Whether this branch is.
    current: Option<bool>,
}

impl Levels {
    /// Reads a directive; `holds` tells whether a condition is true there.
    pub fn meet(&mut self, directive: &Directive<'_>, mut holds: impl FnMut(&str) -> Option<bool>) {
        match directive {
            Directive::If(condition) => {
                let value = holds(condition);
                self.0.push(Level { taken: value, current: value });
            }
            Directive::Elif(condition) => {
                let value = holds(condition);
                if let Some(level) = self.0.last_mut() {
                    level.current = both(level.taken.map(|taken| !taken), value);
                    level.taken =
                        both(level.taken.map(|taken| !taken), value.map(|value| !value)).map(|none| !none);
                }
            }
            Directive::Else => {
                if let Some(level) = self.0.last_mut() {
                    *level = Level { taken: Some(true), current: level.taken.map(|taken| !taken) };
                }
            }
            Directive::Endif => {
                self.0.pop();
            }
            _ => {}
        }
    }

    /// Whether a piece is compiled that has so many conditions around it; nothing where only the compiler knows.
    pub fn compiled(&mut self, conditions: usize) -> Option<bool> {
        // Of a group whose end is inside a declaration, nothing is known.
        self.0.resize(conditions, Level::default());
        self.all()
    }

    /// Whether what stands here is compiled; nothing where only the compiler knows.
    pub fn all(&self) -> Option<bool> {
        let mut all = Some(true);
        for level in &self.0 {
            all = both(all, level.current);
        }
        all
    }
}

fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}
