//! From debug information to layouts.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use gimli::constants as dw;
use gimli::{AttributeValue, DebuggingInformationEntry, Dwarf, Unit, UnitOffset, UnitSectionOffset};

use super::dwarf::{Sections, Slice};
use super::{Layout, Layouts, Member, Object, Shape, tagged};

/// A place in the debug information: the unit's number, and the entry in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct At {
    pub unit: usize,
    pub offset: UnitOffset,
}

/// Size and alignment, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    pub size: u64,
    pub align: u64,
}

pub type Entry<'d> = DebuggingInformationEntry<Slice<'d>>;

/// httpd's own nest some five deep.
pub const MAX_DEPTH: usize = 64;

/// The most members of one structure, with those of unnamed ones within; httpd's largest has some 150.
const MAX_MEMBERS: usize = 1 << 14;

/// Before the name of a variable of the probe that stands for what it is named after.
pub const STANDS_FOR: &str = "modgraft_is_";

/// Reads types.
pub struct Reader<'d> {
    pub dwarf: Dwarf<Slice<'d>>,
    pub units: Vec<Unit<Slice<'d>>>,
    alignment: u64,
    little_endian: bool,
    measured: RefCell<HashMap<At, Measure>>,
    /// Those without a tag that a typedef names.
    typedefs: RefCell<HashSet<At>>,
}

pub fn words(error: gimli::Error) -> String {
    format!("its debug information is malformed: {error}")
}

impl<'d> Reader<'d> {
    /// Finds the units.
    pub fn new(sections: &'d Sections<'_>) -> Result<Self, String> {
        let dwarf = sections.dwarf();
        let mut headers = dwarf.units();
        let mut units = Vec::new();
        while let Some(header) = headers.next().map_err(words)? {
            let unit = dwarf.unit(header).map_err(words)?;
            if unit.dwo_id.is_some() {
                return Err("its debug information is split into files of its own (.dwo)".to_owned());
            }
            units.push(unit);
        }
        Ok(Reader {
            dwarf,
            units,
            alignment: sections.alignment,
            little_endian: sections.is_little_endian(),
            measured: RefCell::default(),
            typedefs: RefCell::default(),
        })
    }

    /// All types of the headers that are `public`, told by their names without a folder. The first definition counts.
    pub fn layouts(&self, public: &dyn Fn(&str) -> bool) -> Result<Layouts, String> {
        let mut layouts = Layouts::default();
        let mut unnamed = Vec::new();
        for unit in 0..self.units.len() {
            self.unit(unit, public, &mut layouts, &mut unnamed)?;
        }
        // Constants of a type that has no name at all go by the first of them.
        for (at, header) in unnamed {
            if self.typedefs.borrow().contains(&at) {
                continue;
            }
            let layout = self.layout(at, &self.entry(at)?, header)?;
            if let Shape::Enum(constants) = &layout.shape
                && let Some((first, _)) = constants.first()
            {
                layouts.types.entry(format!("enum {{{first}}}")).or_insert(layout);
            }
        }
        Ok(layouts)
    }

    fn unit(
        &self,
        unit: usize,
        public: &dyn Fn(&str) -> bool,
        layouts: &mut Layouts,
        unnamed: &mut Vec<(At, String)>,
    ) -> Result<(), String> {
        let mut files: HashMap<u64, Option<String>> = HashMap::new();
        let mut entries = self.units[unit].entries();
        while let Some(entry) = entries.next_dfs().map_err(words)? {
            let relevant = match entry.tag() {
                dw::DW_TAG_structure_type
                | dw::DW_TAG_union_type
                | dw::DW_TAG_enumeration_type
                | dw::DW_TAG_typedef => entry.depth() == 1 && !entry.has_attr(dw::DW_AT_declaration),
                dw::DW_TAG_variable => {
                    if entry.depth() == 1 {
                        self.object(unit, entry, &mut layouts.objects)?;
                    }
                    false
                }
                _ => false,
            };
            let Some(file) = entry.attr(dw::DW_AT_decl_file).and_then(gimli::Attribute::udata_value) else {
                continue;
            };
            if !relevant {
                continue;
            }
            let header =
                files.entry(file).or_insert_with(|| self.file(unit, file).filter(|name| public(name)));
            let Some(header) = header else { continue };
            let header = header.clone();
            let at = At { unit, offset: entry.offset() };
            if entry.tag() == dw::DW_TAG_enumeration_type && !entry.has_attr(dw::DW_AT_name) {
                unnamed.push((at, header));
            } else if let Some((name, layout)) = self.named(at, entry, header, &layouts.types)? {
                layouts.types.insert(name, layout);
            }
        }
        Ok(())
    }

    /// A variable of the probe: what it is named after is of the type that it points to.
    fn object(
        &self,
        unit: usize,
        entry: &Entry<'d>,
        objects: &mut BTreeMap<String, Object>,
    ) -> Result<(), String> {
        let name = self.name(unit, entry)?;
        let Some(name) = name.as_deref().and_then(|name| name.strip_prefix(STANDS_FOR)) else {
            return Ok(());
        };
        let Some(pointer) = self.type_of(unit, entry)? else { return Ok(()) };
        let pointed = self.type_of(pointer.unit, &self.entry(pointer)?)?;
        objects.insert(
            name.to_owned(),
            Object { header: String::new(), type_name: self.spelled(pointed, String::new(), 0)? },
        );
        Ok(())
    }

    /// The name and the layout of a type that is not in `known`.
    fn named(
        &self,
        at: At,
        entry: &Entry<'d>,
        header: String,
        known: &BTreeMap<String, Layout>,
    ) -> Result<Option<(String, Layout)>, String> {
        let Some(name) = self.name(at.unit, entry)? else { return Ok(None) };
        if entry.tag() != dw::DW_TAG_typedef {
            let name = tagged(keyword(entry.tag()), &name);
            if known.contains_key(&name) {
                return Ok(None);
            }
            return Ok(Some((name, self.layout(at, entry, header)?)));
        }
        let of = self.type_of(at.unit, entry)?;
        if known.contains_key(&name) {
            // Each unit has its own copy.
            self.typedefs.borrow_mut().extend(of);
            return Ok(None);
        }
        if let Some(of) = of {
            let target = self.entry(of)?;
            if is_aggregate(target.tag()) {
                return match self.name(of.unit, &target)? {
                    Some(tag) if tag == name => Ok(None),
                    Some(tag) => {
                        let measure = self.measure(of, 0)?;
                        let alias = Shape::Alias(tagged(keyword(target.tag()), &tag));
                        Ok(Some((name, sized(header, measure, alias))))
                    }
                    None => {
                        self.typedefs.borrow_mut().insert(of);
                        Ok(Some((name, self.layout(of, &target, header)?)))
                    }
                };
            }
        }
        let measure = match of {
            Some(of) => self.measure(of, 0)?,
            None => Measure { size: 0, align: 1 },
        };
        Ok(Some((name, sized(header, measure, Shape::Alias(self.spelled(of, String::new(), 0)?)))))
    }

    fn layout(&self, at: At, entry: &Entry<'d>, header: String) -> Result<Layout, String> {
        let shape = match entry.tag() {
            dw::DW_TAG_enumeration_type => Shape::Enum(self.constants(at)?),
            tag => {
                let mut members = Vec::new();
                self.members(at, "", 0, 0, &mut members)?;
                if tag == dw::DW_TAG_union_type { Shape::Union(members) } else { Shape::Struct(members) }
            }
        };
        Ok(sized(header, self.measure(at, 0)?, shape))
    }

    fn constants(&self, at: At) -> Result<Vec<(String, i64)>, String> {
        let mut constants = Vec::new();
        self.children(at, &mut |child| {
            if child.tag() == dw::DW_TAG_enumerator {
                let name = self.name(at.unit, child)?.unwrap_or_default();
                constants.push((name, constant(child.attr_value_raw(dw::DW_AT_const_value))));
            }
            Ok(())
        })?;
        Ok(constants)
    }

    fn members(
        &self,
        at: At,
        before: &str,
        base: u64,
        depth: usize,
        members: &mut Vec<Member>,
    ) -> Result<(), String> {
        if depth > MAX_DEPTH || members.len() > MAX_MEMBERS {
            return Err(TOO_LARGE.to_owned());
        }
        self.children(at, &mut |child| {
            if child.tag() != dw::DW_TAG_member {
                return Ok(());
            }
            let Some(of) = self.type_of(at.unit, child)? else { return Ok(()) };
            let own = self.name(at.unit, child)?;
            let measure = self.measure(of, 0)?;
            let (bit, width) = self.place(at.unit, child, measure.size)?;
            let bit = bit.saturating_add(base.saturating_mul(8));
            let name = match (&own, before) {
                (Some(own), "") => own.clone(),
                (Some(own), before) => format!("{before}.{own}"),
                (None, before) => before.to_owned(),
            };
            if let (Some((inner, array)), None) = (self.unnamed(of)?, width) {
                let name = if array { format!("{name}[]") } else { name };
                return self.members(inner, &name, bit / 8, depth + 1, members);
            }
            if own.is_none() {
                // Bits that are left free.
                return Ok(());
            }
            members.push(Member {
                name,
                offset: bit / 8,
                bits: width.map(|width| (bit % 8, width)),
                size: measure.size,
                type_name: self.spelled(Some(of), String::new(), 0)?,
            });
            Ok(())
        })
    }

    /// The structure or union without a name that a member is, or is an array of.
    fn unnamed(&self, at: At) -> Result<Option<(At, bool)>, String> {
        let (mut at, mut array) = (at, false);
        for _ in 0..MAX_DEPTH {
            let entry = self.entry(at)?;
            match entry.tag() {
                dw::DW_TAG_array_type => array = true,
                dw::DW_TAG_const_type | dw::DW_TAG_volatile_type => {}
                dw::DW_TAG_structure_type | dw::DW_TAG_union_type => {
                    return Ok(self.name(at.unit, &entry)?.is_none().then_some((at, array)));
                }
                _ => return Ok(None),
            }
            let Some(next) = self.type_of(at.unit, &entry)? else { return Ok(None) };
            at = next;
        }
        Err(TOO_LARGE.to_owned())
    }

    /// A member's first bit from the structure's begin, and a bit-field's width.
    fn place(&self, unit: usize, member: &Entry<'d>, size: u64) -> Result<(u64, Option<u64>), String> {
        let number = |name| member.attr(name).and_then(gimli::Attribute::udata_value);
        let bytes = match member.attr_value(dw::DW_AT_data_member_location) {
            // DWARF 2 writes it as an expression: DW_OP_plus_uconst and the number.
            Some(AttributeValue::Exprloc(expression)) => {
                let mut operations = expression.operations(self.units[unit].encoding());
                match operations.next().map_err(words)? {
                    Some(gimli::Operation::PlusConstant { value }) => value,
                    _ => return Err("a member's place is not a number".to_owned()),
                }
            }
            _ => number(dw::DW_AT_data_member_location).unwrap_or(0),
        };
        let begin = bytes.saturating_mul(8);
        let Some(width) = number(dw::DW_AT_bit_size) else { return Ok((begin, None)) };
        if let Some(bit) = number(dw::DW_AT_data_bit_offset) {
            return Ok((begin.saturating_add(bit), Some(width)));
        }
        // DWARF 3 and before: counted from the most significant bit of the unit of storage.
        let Some(from_top) = number(dw::DW_AT_bit_offset) else { return Ok((begin, Some(width))) };
        let storage = number(dw::DW_AT_byte_size).unwrap_or(size).saturating_mul(8);
        let bit = if self.little_endian {
            storage.saturating_sub(from_top.saturating_add(width))
        } else {
            from_top
        };
        Ok((begin.saturating_add(bit), Some(width)))
    }

    /// A type's size and alignment.
    pub fn measure(&self, at: At, depth: usize) -> Result<Measure, String> {
        if let Some(known) = self.measured.borrow().get(&at) {
            return Ok(*known);
        }
        if depth > MAX_DEPTH {
            return Err(TOO_LARGE.to_owned());
        }
        let entry = self.entry(at)?;
        let number = |name| entry.attr(name).and_then(gimli::Attribute::udata_value);
        let stated = number(dw::DW_AT_byte_size);
        let inner = || -> Result<Measure, String> {
            match self.type_of(at.unit, &entry)? {
                Some(of) => self.measure(of, depth + 1),
                None => Ok(Measure { size: 0, align: 1 }),
            }
        };
        let basic = |size: u64| Measure { size, align: size.clamp(1, self.alignment) };
        let mut measure = match entry.tag() {
            dw::DW_TAG_base_type => {
                let size = stated.unwrap_or(0);
                let complex = matches!(
                    entry.attr_value(dw::DW_AT_encoding),
                    Some(AttributeValue::Encoding(dw::DW_ATE_complex_float))
                );
                Measure { size, ..basic(if complex { size / 2 } else { size }) }
            }
            dw::DW_TAG_pointer_type => {
                basic(stated.unwrap_or(u64::from(self.units[at.unit].encoding().address_size)))
            }
            dw::DW_TAG_enumeration_type => basic(stated.unwrap_or(0)),
            dw::DW_TAG_array_type => {
                let element = inner()?;
                let mut size = element.size;
                for bound in self.bounds(at)? {
                    size = size.checked_mul(bound.unwrap_or(0)).ok_or_else(|| TOO_LARGE.to_owned())?;
                }
                Measure { size, align: element.align }
            }
            dw::DW_TAG_structure_type | dw::DW_TAG_union_type => {
                let mut align = 1;
                self.children(at, &mut |child| {
                    if child.tag() == dw::DW_TAG_member
                        && let Some(of) = self.type_of(at.unit, child)?
                    {
                        let member = self.measure(of, depth + 1)?;
                        let (bit, width) = self.place(at.unit, child, member.size)?;
                        // A member that is not aligned tells that the structure is packed.
                        let packed = width.is_none() && bit % (member.align * 8) != 0;
                        align = align.max(if packed { 1 } else { member.align });
                    }
                    Ok(())
                })?;
                let size = stated.unwrap_or(0);
                Measure { size, align: if size % align == 0 { align } else { 1 } }
            }
            dw::DW_TAG_subroutine_type => Measure { size: 0, align: 1 },
            // Other names and qualifiers.
            _ => inner()?,
        };
        if let Some(align) = number(dw::DW_AT_alignment).filter(|align| align.is_power_of_two()) {
            measure.align = align;
        }
        self.measured.borrow_mut().insert(at, measure);
        Ok(measure)
    }

    /// The lengths of an array, outermost first; none where it has no length.
    pub fn bounds(&self, at: At) -> Result<Vec<Option<u64>>, String> {
        let mut bounds = Vec::new();
        self.children(at, &mut |child| {
            if child.tag() == dw::DW_TAG_subrange_type {
                let number = |name| child.attr(name).and_then(gimli::Attribute::udata_value);
                let upper = number(dw::DW_AT_upper_bound).and_then(|last| last.checked_add(1));
                bounds.push(number(dw::DW_AT_count).or(upper));
            }
            Ok(())
        })?;
        Ok(bounds)
    }

    /// Calls `each` with the entries directly below one.
    pub fn children(
        &self,
        at: At,
        each: &mut dyn FnMut(&Entry<'d>) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut tree = self.units[at.unit].entries_tree(Some(at.offset)).map_err(words)?;
        let mut children = tree.root().map_err(words)?.children();
        while let Some(child) = children.next().map_err(words)? {
            each(child.entry())?;
        }
        Ok(())
    }

    /// An entry.
    pub fn entry(&self, at: At) -> Result<Entry<'d>, String> {
        self.units[at.unit].entry(at.offset).map_err(words)
    }

    /// `DW_AT_name`.
    pub fn name(&self, unit: usize, entry: &Entry<'d>) -> Result<Option<String>, String> {
        let Some(value) = entry.attr_value(dw::DW_AT_name) else { return Ok(None) };
        let name = self.dwarf.attr_string(&self.units[unit], value).map_err(words)?;
        Ok(Some(name.to_string_lossy().into_owned()))
    }

    /// `DW_AT_type`; none is `void`.
    pub fn type_of(&self, unit: usize, entry: &Entry<'d>) -> Result<Option<At>, String> {
        match entry.attr_value(dw::DW_AT_type) {
            None => Ok(None),
            Some(AttributeValue::UnitRef(offset)) => Ok(Some(At { unit, offset })),
            Some(AttributeValue::DebugInfoRef(offset)) => {
                let section = UnitSectionOffset(offset.0);
                let of = self.units.partition_point(|unit| unit.header.offset().0 <= section.0);
                let unit = of.checked_sub(1).ok_or("a type is in no unit")?;
                let offset =
                    section.to_unit_offset(&self.units[unit].header).ok_or("a type is in no unit")?;
                Ok(Some(At { unit, offset }))
            }
            Some(_) => Err("its debug information refers to another file's".to_owned()),
        }
    }

    /// The name, without a folder, of a file of the unit's line table.
    fn file(&self, unit: usize, number: u64) -> Option<String> {
        let program = self.units[unit].line_program.as_ref()?;
        let file = program.header().file(number)?;
        let path = self.dwarf.attr_string(&self.units[unit], file.path_name()).ok()?;
        let path = path.to_string_lossy();
        path.rsplit('/').next().map(str::to_owned)
    }
}

pub const TOO_LARGE: &str = "its debug information has a type without end";

fn sized(header: String, Measure { size, align }: Measure, shape: Shape) -> Layout {
    Layout { header, size, align, shape }
}

pub fn is_aggregate(tag: gimli::DwTag) -> bool {
    matches!(tag, dw::DW_TAG_structure_type | dw::DW_TAG_union_type | dw::DW_TAG_enumeration_type)
}

pub fn keyword(tag: gimli::DwTag) -> &'static str {
    match tag {
        dw::DW_TAG_union_type => "union",
        dw::DW_TAG_enumeration_type => "enum",
        _ => "struct",
    }
}

/// gcc writes what is not negative without a sign, in as few bytes as it needs.
fn constant(value: Option<AttributeValue<Slice<'_>>>) -> i64 {
    match value {
        Some(AttributeValue::Data1(value)) => i64::from(value),
        Some(AttributeValue::Data2(value)) => i64::from(value),
        Some(AttributeValue::Data4(value)) => i64::from(value),
        Some(AttributeValue::Data8(value) | AttributeValue::Udata(value)) => value.cast_signed(),
        Some(AttributeValue::Sdata(value)) => value,
        _ => 0,
    }
}
