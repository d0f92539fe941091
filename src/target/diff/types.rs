//! What is otherwise in the layout of types.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Changed;
use crate::layout::{Layout, Member, Shape};

/// A type that both targets have, and not alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeDiff {
    /// `struct request_rec`.
    pub name: String,
    /// The new target's header that defines it.
    pub header: String,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Changed<u64>>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub align: Option<Changed<u64>>,
    /// Where it is another sort of type now: `struct`, `union`, `enum`, `typedef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<Changed<&'static str>>,
    /// What the typedef stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<Changed<String>>,
    /// In the order of the new target, those that are gone behind them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberDiff>,
    /// As the members.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub constants: Vec<ConstantDiff>,
}

/// A member that is new, gone or otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberDiff {
    /// Its name.
    pub name: String,
    /// As the old target has it; none where it is new.
    pub old: Option<Place>,
    /// As the new target has it; none where it is gone.
    pub new: Option<Place>,
}

/// Where a member is, and what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Bytes from the begin.
    pub offset: u64,
    /// A bit-field's first bit and width.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<(u64, u64)>,
    /// Bytes.
    pub size: u64,
    /// As C writes it.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// A constant that is new, gone, or of another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConstantDiff {
    /// Its name.
    pub name: String,
    /// The old value; none where it is new.
    pub old: Option<i64>,
    /// The new value; none where it is gone.
    pub new: Option<i64>,
}

impl MemberDiff {
    /// How far it moved, in bytes, where that is all that happened to it.
    pub fn only_moved(&self) -> Option<i128> {
        let (Some(old), Some(new)) = (&self.old, &self.new) else { return None };
        let same = old.type_name == new.type_name && old.size == new.size && old.bits == new.bits;
        same.then(|| i128::from(new.offset) - i128::from(old.offset))
    }
}

/// What is otherwise in a type; none where nothing is.
pub fn compare(name: &str, old: &Layout, new: &Layout) -> Option<TypeDiff> {
    if old.size == new.size && old.align == new.align && old.shape == new.shape {
        return None;
    }
    let mut diff = TypeDiff {
        name: name.to_owned(),
        header: new.header.clone(),
        size: Changed::of(old.size, new.size),
        align: Changed::of(old.align, new.align),
        sort: Changed::of(sort(&old.shape), sort(&new.shape)),
        stands_for: None,
        members: Vec::new(),
        constants: Vec::new(),
    };
    match (&old.shape, &new.shape) {
        (Shape::Struct(old) | Shape::Union(old), Shape::Struct(new) | Shape::Union(new)) => {
            diff.members = changes(old, new, |member| &member.name, place)
                .map(|(name, old, new)| MemberDiff { name, old, new })
                .collect();
        }
        (Shape::Enum(old), Shape::Enum(new)) => {
            diff.constants = changes(old, new, |(name, _)| name, |(_, value)| *value)
                .map(|(name, old, new)| ConstantDiff { name, old, new })
                .collect();
        }
        (Shape::Alias(old), Shape::Alias(new)) => diff.stands_for = Changed::of(old.clone(), new.clone()),
        _ => {}
    }
    let only_order = diff.size.is_none()
        && diff.align.is_none()
        && diff.sort.is_none()
        && diff.stands_for.is_none()
        && diff.members.is_empty()
        && diff.constants.is_empty();
    // Constants that were only sorted anew mean what they did.
    (!only_order).then_some(diff)
}

/// What differs between two lists by name, in the order of the new one, what is gone behind it.
fn changes<'a, T, V: PartialEq>(
    old: &'a [T],
    new: &'a [T],
    name: impl Fn(&T) -> &String,
    value: impl Fn(&T) -> V,
) -> impl Iterator<Item = (String, Option<V>, Option<V>)> {
    let before: BTreeMap<&str, &T> = old.iter().map(|one| (name(one).as_str(), one)).collect();
    let after: BTreeMap<&str, &T> = new.iter().map(|one| (name(one).as_str(), one)).collect();
    let mut found = Vec::new();
    for one in new {
        let (was, is) = (before.get(name(one).as_str()).map(|one| value(one)), Some(value(one)));
        if was != is {
            found.push((name(one).clone(), was, is));
        }
    }
    let gone = old.iter().filter(|one| !after.contains_key(name(one).as_str()));
    found.extend(gone.map(|one| (name(one).clone(), Some(value(one)), None)));
    found.into_iter()
}

fn place(member: &Member) -> Place {
    let Member { offset, bits, size, type_name, .. } = member.clone();
    Place { offset, bits, size, type_name }
}

fn sort(shape: &Shape) -> &'static str {
    match shape {
        Shape::Struct(_) => "struct",
        Shape::Union(_) => "union",
        Shape::Enum(_) => "enum",
        Shape::Alias(_) => "typedef",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structure(size: u64, members: &[(&str, u64, u64, &str)]) -> Layout {
        let member = |(name, offset, size, of): &(&str, u64, u64, &str)| Member {
            name: (*name).to_owned(),
            offset: *offset,
            bits: None,
            size: *size,
            type_name: (*of).to_owned(),
        };
        let members = members.iter().map(member).collect();
        Layout { header: "a.h".to_owned(), size, align: 8, shape: Shape::Struct(members) }
    }

    #[test]
    fn members_are_new_gone_moved_or_of_another_type() {
        let old = structure(24, &[("a", 0, 8, "long"), ("b", 8, 8, "char *"), ("c", 16, 4, "int")]);
        let new = structure(24, &[("a", 0, 4, "int"), ("d", 8, 8, "void *"), ("c", 20, 4, "int")]);
        let diff = compare("struct x", &old, &new).unwrap();
        assert_eq!(diff.size, None);
        let names: Vec<_> = diff
            .members
            .iter()
            .map(|member| {
                (member.name.as_str(), member.old.is_some(), member.new.is_some(), member.only_moved())
            })
            .collect();
        assert_eq!(
            names,
            [
                ("a", true, true, None),
                ("d", false, true, None),
                ("c", true, true, Some(4)),
                ("b", true, false, None)
            ]
        );
        assert_eq!(compare("struct x", &old, &old), None);
    }

    #[test]
    fn constants_are_compared_by_name() {
        let of = |constants: &[(&str, i64)]| Layout {
            header: "a.h".to_owned(),
            size: 4,
            align: 4,
            shape: Shape::Enum(constants.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()),
        };
        let diff =
            compare("enum x", &of(&[("A", 0), ("B", 1)]), &of(&[("A", 0), ("N", 1), ("B", 2)])).unwrap();
        let found: Vec<_> = diff.constants.iter().map(|c| (c.name.as_str(), c.old, c.new)).collect();
        assert_eq!(found, [("N", None, Some(1)), ("B", Some(1), Some(2))]);
        assert_eq!(compare("enum x", &of(&[("A", 0), ("B", 1)]), &of(&[("B", 1), ("A", 0)])), None);
    }
}
