use std::collections::BTreeSet;
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

use super::parts::OtherModule;

use crate::error::Kind;

/// A file, the place in it, and the way there in words: what an error shows.
pub(super) type Place = (NamedSource<Arc<str>>, SourceSpan, String);

/// Why no translation unit can be made.
///
/// Where a declaration cannot be grafted, the place is where it is used, and the label says by which way the module
/// comes there.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),

    /// The base tree could not be read.
    #[error("`{path}` cannot be read from the base tree")]
    #[diagnostic(code(modgraft::flatten::base), help("check the tree that --base or the recipe names"))]
    Base {
        /// Path in the tree.
        path: String,
        /// The tree's own error.
        #[source]
        reason: Box<dyn std::error::Error + Send + Sync>,
    },

    /// No file of the changeset is the module's source.
    #[error("there is no C source of {module} in the changes")]
    #[diagnostic(
        code(modgraft::flatten::no_source),
        help(
            "check that the patch adds the module's .c file, or name the file as `module-source` in the recipe"
        )
    )]
    NoSource {
        /// `mod_NAME`.
        module: String,
    },

    /// A file that must be known from end to end is known in parts.
    #[error("`{file}` belongs to the module, and the hunks show only parts of it")]
    #[diagnostic(
        code(modgraft::flatten::not_whole),
        help("the patch changes a file that it does not bring: give the tree it applies to with --base")
    )]
    NotWhole {
        /// Path in upstream's tree.
        file: String,
    },

    /// A hunk says that it stands at a line that no source file has.
    #[error("a hunk of `{file}` claims to begin at line {line}")]
    #[diagnostic(
        code(modgraft::flatten::line_out_of_range),
        help("no source file of httpd has a million lines: the hunk's header is damaged")
    )]
    LineOutOfRange {
        /// Path in upstream's tree.
        file: String,
        /// As the hunk says.
        line: u32,
    },

    /// An included header is neither in the target nor in the patches.
    #[error("the target has no header `{header}`, and no patch brings it")]
    #[diagnostic(code(modgraft::flatten::missing_header))]
    MissingHeader {
        /// As it is included.
        header: String,
        /// The including file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The include.
        #[label("included here")]
        at: SourceSpan,
        /// What to do.
        #[help]
        help: String,
    },

    /// Headers without include guards that include one another.
    #[error("`{header}` includes itself and has no include guard")]
    #[diagnostic(
        code(modgraft::flatten::include_cycle),
        help("no compiler could read it either: check that the patch series is complete")
    )]
    IncludeCycle {
        /// Path in upstream's tree.
        header: String,
        /// The including file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The include.
        #[label("included again here")]
        at: SourceSpan,
    },

    /// A header that one unit can hold only once, and that is not the same for two sources.
    #[error("`{header}` is one thing to {first} and another to {later}: `{name}` differs between the two")]
    #[diagnostic(
        code(modgraft::flatten::header_differs),
        help(
            "the sources become one file, which has this header once: in a patch of your own, make `{name}` the same for both, \
             or move what depends on it from the header to the source, and add the patch to the recipe"
        )
    )]
    HeaderDiffers {
        /// Path in upstream's tree.
        header: String,
        /// The macro.
        name: String,
        /// The source that includes it first.
        first: String,
        /// The one for which it is another.
        later: String,
        /// The header.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where it first names the macro.
        #[label("depends on it from here on")]
        at: SourceSpan,
    },

    /// The module's own header says otherwise than the target's, with which the target's other modules were compiled.
    #[error("other modules of the target know `{name}` by its {header}, and it is another in {file}")]
    #[diagnostic(code(modgraft::flatten::published_differs))]
    PublishedDiffers {
        /// The function, hook or type.
        name: String,
        /// The target's header.
        header: String,
        /// Path of the module's own in upstream's tree.
        file: String,
        /// The module's own header.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The declaration.
        #[label("{label}")]
        at: SourceSpan,
        /// What differs, and where the target's is.
        label: String,
        /// What differs besides, and what to do.
        #[help]
        help: String,
    },

    /// The module takes the place of one of the target's, and lacks a function that another file takes from that one.
    #[error("{user} of the target needs `{name}`, which the target's {own} has and this module has not")]
    #[diagnostic(
        code(modgraft::flatten::published_lost),
        help(
            "with this module in that place {user} could not be loaded: take the module from a release that has `{name}`"
        )
    )]
    PublishedLost {
        /// The function.
        name: String,
        /// `mod_NAME.so`.
        own: String,
        /// The file that uses it.
        user: String,
        /// The target's header.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The declaration.
        #[label("promised here")]
        at: SourceSpan,
    },

    /// No file defines the module structure.
    #[error("no source of {module} defines `{symbol}`")]
    #[diagnostic(code(modgraft::flatten::no_module_structure))]
    NoModuleStructure {
        /// `mod_NAME`.
        module: String,
        /// The expected C name.
        symbol: String,
        /// What there is instead.
        #[help]
        help: String,
    },

    /// Two modules in one unit.
    #[error("`{other}` is a second module beside `{symbol}`")]
    #[diagnostic(
        code(modgraft::flatten::several_modules),
        help("make each module by a recipe of its own, and let this one strip the files of the other")
    )]
    SeveralModules {
        /// The module that is made.
        symbol: String,
        /// The other one.
        other: String,
        /// The file that defines it.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Its definition.
        #[label("defined here")]
        at: SourceSpan,
    },

    /// A reached function is cut off by the end of a hunk.
    #[error("`{name}` of {file} is needed, and the hunks do not show all of it")]
    #[diagnostic(
        code(modgraft::flatten::not_seen_whole),
        help("a part of a function is never guessed: give the tree that the patch applies to with --base")
    )]
    NotSeenWhole {
        /// The function.
        name: String,
        /// Upstream's path of its file.
        file: String,
        /// The using file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The use.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to the use.
        label: String,
    },

    /// A reached function was there before the patch, which changes it, and no tree is at hand.
    #[error(
        "`{name}` of {file} is needed, and the patch changes it: the hunks alone do not tell what it is then"
    )]
    #[diagnostic(
        code(modgraft::flatten::modified),
        help(
            "give the tree that the patch applies to with --base: the changed function is then taken whole, under a name \
             of its own"
        )
    )]
    Modified {
        /// The function.
        name: String,
        /// Upstream's path of its file.
        file: String,
        /// The using file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The use.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to the use.
        label: String,
    },

    /// A copy of a function would keep state of its own beside the target's.
    #[error("`{name}` of {file} is a variable of which a copy would have a life of its own")]
    #[diagnostic(
        code(modgraft::flatten::private_state),
        help(
            "the target's own code would not see what the module writes there, nor the reverse: this part of the patch \
             needs an httpd that has it"
        )
    )]
    PrivateState {
        /// The variable.
        name: String,
        /// The name of other files by which the module comes there: the variable's own, or that of the first function on
        /// the way.
        needed: String,
        /// Upstream's path of its file.
        file: String,
        /// The using file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The use.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to the use.
        label: String,
    },

    /// Only a declaration is there: nobody defines it.
    #[error("`{name}` is declared in {file}, and neither the patch nor the target defines it")]
    #[diagnostic(
        code(modgraft::flatten::no_provider),
        help(
            "the module would compile and not load: add the patch or the file that defines it, or name a newer target"
        )
    )]
    NoProvider {
        /// The function or variable.
        name: String,
        /// Upstream's path of the header.
        file: String,
        /// The using file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The use.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to the use.
        label: String,
    },

    /// A member was added to a structure that the target's own code shares.
    #[error("`{member}` is a member that the patch adds to `{structure}` of {file}")]
    #[diagnostic(
        code(modgraft::flatten::structure_grown),
        help(
            "the target's own code makes and reads this structure: it cannot grow, so this needs an httpd that has it"
        )
    )]
    StructureGrown {
        /// The member.
        member: String,
        /// The structure, or in words what is known of it.
        structure: String,
        /// Upstream's path of the header.
        file: String,
        /// The using file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The use.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to the use.
        label: String,
    },

    /// A constant was added to an enumeration that the target has.
    #[error(
        "`{constant}` is a constant that the patch adds to an enumeration of {file} that the target has without it"
    )]
    #[diagnostic(
        code(modgraft::flatten::enumeration_grown),
        help("the target's own code would not know the value: this needs an httpd that has it")
    )]
    EnumerationGrown {
        /// The constant.
        constant: String,
        /// Upstream's path of the header.
        file: String,
        /// The using file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The use.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to the use.
        label: String,
    },

    /// A number that the target's own code would have to know.
    #[error(
        "`{name}` of {file} is a number by which modules and httpd speak to each other, and the target has others `{prefix}*`, \
         not this one"
    )]
    #[diagnostic(
        code(modgraft::flatten::code_unknown),
        help(
            "the target's own code would take it for nothing, or for another: this needs an httpd that has it, or a rule that \
             puts something else in its place"
        )
    )]
    CodeUnknown {
        /// The macro.
        name: String,
        /// How those of its kind begin.
        prefix: String,
        /// Upstream's path of the header.
        file: String,
        /// The using file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The use.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to the use.
        label: String,
    },

    /// A function of the target is declared otherwise than when the module was written, and no compiler would notice.
    #[error(
        "`{name}` is another function in the target than in {file}, and the compiler would not notice: {words}"
    )]
    #[diagnostic(
        code(modgraft::flatten::misread),
        help(
            "the call would compile and mean something else: change it in a patch of your own, and add that to the recipe (a \
             list of further arguments often ends with NULL)"
        )
    )]
    Misread {
        /// The function.
        name: String,
        /// What differs.
        words: String,
        /// Upstream's path of the header.
        file: String,
        /// The calling file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The call.
        #[label("called by {user}")]
        at: SourceSpan,
        /// The calling function.
        user: String,
    },

    /// A member of the target's structures counts in another unit than in the release that the code is of.
    #[error("`{member}` is in another unit in the target: {words}")]
    #[diagnostic(
        code(modgraft::flatten::unit_differs),
        help(
            "it would compile, and each number that passes here would mean something else: take the module from a release that \
             counts as the target does, or convert it in a patch of your own"
        )
    )]
    UnitDiffers {
        /// The member.
        member: String,
        /// The units and the releases.
        words: String,
        /// The using file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The use.
        #[label("used here")]
        at: SourceSpan,
    },

    /// A hook of which the target knows nothing.
    #[error("`{name}` belongs to a hook of {file} that the target never runs")]
    #[diagnostic(
        code(modgraft::flatten::hook_missing),
        help(
            "a hook has one list for the whole server, so a copy of it would be nobody's: this part of the module needs an \
             httpd that runs it"
        )
    )]
    HookMissing {
        /// The hook's function.
        name: String,
        /// Upstream's path of the header that declares it.
        file: String,
        /// The file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where it is used.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to it.
        label: String,
    },

    /// Part of what a type's declaration introduces is in the target, which has its own version of it.
    #[error("`{name}` of {file} is one thing with `{other}`, of which the target has a version of its own")]
    #[diagnostic(
        code(modgraft::flatten::type_shared),
        help("two versions of one type cannot stand in one program: this needs an httpd that has both")
    )]
    TypeShared {
        /// The name that is missing.
        name: String,
        /// The name that the target has.
        other: String,
        /// Upstream's path of the header.
        file: String,
        /// The file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where it is used.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to it.
        label: String,
    },

    /// Inlined code would read the configuration of a module that keeps it to itself.
    #[error("inlined code uses `{name}`: that is the key to another module's private configuration")]
    #[diagnostic(
        code(modgraft::flatten::other_modules_state),
        help(
            "no header of the target says what that module keeps there: this part of the module needs an httpd whose own \
             code does it"
        )
    )]
    OtherModulesState {
        /// The module structure.
        name: String,
        /// The file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where it is used.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to it.
        label: String,
    },

    /// The address of a constant means something to code of the target.
    #[error("`{name}` of {file} is told by its address, and a copy of it has another one")]
    #[diagnostic(
        code(modgraft::flatten::identity),
        help("the target's own code would not know the copy: this needs an httpd that has it")
    )]
    Identity {
        /// The constant.
        name: String,
        /// Upstream's path of its file.
        file: String,
        /// The file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where it is used.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to it.
        label: String,
    },

    /// An optional function that nobody registers.
    #[error("`{name}` is an optional function of {file} that nothing in the target registers")]
    #[diagnostic(
        code(modgraft::flatten::nobody_registers),
        help("the module would find nothing under that name: this part of it needs an httpd that has it")
    )]
    NobodyRegisters {
        /// The function.
        name: String,
        /// Upstream's path of the header that declares it.
        file: String,
        /// The file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where it is used.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to it.
        label: String,
    },

    /// A group of providers that nobody looks up.
    #[error(
        "the module registers a provider in the group `{name}` of {file}, and the target never asks there"
    )]
    #[diagnostic(
        code(modgraft::flatten::nobody_asks),
        help(
            "the module would load and do nothing: this needs an httpd that asks for such providers, or another new module that does, \
             with a recipe beside this one's that has this module in `requires`"
        )
    )]
    NobodyAsks {
        /// The group's name, a macro.
        name: String,
        /// Upstream's path of the header that defines it.
        file: String,
        /// The file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The registration.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to it.
        label: String,
    },

    /// A note that nobody else writes or reads.
    #[error(
        "`{name}` of {file} names a note by which modules and httpd speak to each other, and nothing in the target does"
    )]
    #[diagnostic(
        code(modgraft::flatten::note_unknown),
        help(
            "the module would speak to nobody, and what the other side does with it upstream is not done: this needs an httpd \
             that knows the note, or a rule that puts something else in its place"
        )
    )]
    NoteUnknown {
        /// The note's name, a macro.
        name: String,
        /// Upstream's path of the header that defines it.
        file: String,
        /// The file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where it is written or read.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to it.
        label: String,
    },

    /// Another module must be there first.
    #[error("{module} must be there first: it provides {words}, and the target does not have it")]
    #[diagnostic(code(modgraft::flatten::needs_module))]
    NeedsModule {
        /// `mod_NAME`.
        module: String,
        /// Upstream's path of its source.
        file: String,
        /// The names that it provides.
        names: Vec<String>,
        /// The same in words.
        words: String,
        /// The file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The first use.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to it.
        label: String,
        /// What to do.
        #[help]
        help: String,
    },

    /// The module itself says that it cannot be built.
    #[error("the module says itself that it is not for this target: {words}")]
    #[diagnostic(code(modgraft::flatten::says_no))]
    SaysNo {
        /// What it says.
        words: String,
        /// What to do.
        #[help]
        help: String,
        /// The file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The `#error`.
        #[label("{label}")]
        at: SourceSpan,
        /// The way to it.
        label: String,
    },

    /// A function that must be renamed is looked up by its name at run time.
    #[error(
        "`{name}` clashes with another declaration, and cannot be renamed: it is looked up by name at run time"
    )]
    #[diagnostic(
        code(modgraft::flatten::looked_up_by_name),
        help("rename one of the two in a patch of your own, and add it to the recipe")
    )]
    LookedUpByName {
        /// The function.
        name: String,
        /// The file that registers or looks it up.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The place.
        #[label("its name becomes a string here")]
        at: SourceSpan,
    },
}

impl Error {
    /// That `module` must be there first, for these names.
    pub(super) fn needs(module: &OtherModule, names: &BTreeSet<String>, place: Place) -> Self {
        let (source_code, at, label) = place;
        let names: Vec<String> = names.iter().cloned().collect();
        let help = format!(
            "graft {name} first, and put `requires = [\"{name}\"]` into the recipe",
            name = module.name
        );
        Error::NeedsModule {
            module: module.name.clone(),
            file: module.file.clone(),
            words: names.join(", "),
            names,
            source_code,
            at,
            label,
            help,
        }
    }

    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) | Error::Base { .. } => Kind::Environment,
            Error::NoSource { .. }
            | Error::LineOutOfRange { .. }
            | Error::IncludeCycle { .. }
            | Error::NoModuleStructure { .. } => Kind::Input,
            Error::NotWhole { .. }
            | Error::MissingHeader { .. }
            | Error::HeaderDiffers { .. }
            | Error::PublishedDiffers { .. }
            | Error::PublishedLost { .. }
            | Error::SeveralModules { .. }
            | Error::NotSeenWhole { .. }
            | Error::Modified { .. }
            | Error::PrivateState { .. }
            | Error::NoProvider { .. }
            | Error::StructureGrown { .. }
            | Error::EnumerationGrown { .. }
            | Error::CodeUnknown { .. }
            | Error::Misread { .. }
            | Error::UnitDiffers { .. }
            | Error::HookMissing { .. }
            | Error::TypeShared { .. }
            | Error::OtherModulesState { .. }
            | Error::Identity { .. }
            | Error::NobodyRegisters { .. }
            | Error::NobodyAsks { .. }
            | Error::NoteUnknown { .. }
            | Error::NeedsModule { .. }
            | Error::SaysNo { .. }
            | Error::LookedUpByName { .. } => Kind::Refused,
        }
    }

    /// Path of the file that uses what cannot be had, where the error is of that sort.
    pub(super) fn user(&self) -> Option<&str> {
        match self {
            Error::PrivateState { source_code, .. }
            | Error::HookMissing { source_code, .. }
            | Error::NoProvider { source_code, .. } => Some(source_code.name()),
            _ => None,
        }
    }

    /// The name that the target would have to have: with it, ap_mmn.h's calendar tells from which httpd on the module works.
    pub fn lacking(&self) -> Option<&str> {
        match self {
            Error::NotSeenWhole { name, .. }
            | Error::Modified { name, .. }
            | Error::CodeUnknown { name, .. }
            | Error::NoProvider { name, .. }
            | Error::HookMissing { name, .. }
            | Error::TypeShared { name, .. }
            | Error::OtherModulesState { name, .. }
            | Error::Identity { name, .. }
            | Error::NobodyRegisters { name, .. }
            | Error::NobodyAsks { name, .. }
            | Error::NoteUnknown { name, .. } => Some(name),
            Error::PrivateState { needed, .. } => Some(needed),
            Error::StructureGrown { member, .. } => Some(member),
            Error::EnumerationGrown { constant, .. } => Some(constant),
            Error::MissingHeader { header, .. } => Some(header),
            Error::NeedsModule { names, .. } => names.first().map(String::as_str),
            Error::Io(_)
            | Error::Base { .. }
            | Error::NoSource { .. }
            | Error::NotWhole { .. }
            | Error::LineOutOfRange { .. }
            | Error::IncludeCycle { .. }
            | Error::NoModuleStructure { .. }
            | Error::HeaderDiffers { .. }
            | Error::PublishedDiffers { .. }
            | Error::PublishedLost { .. }
            | Error::SeveralModules { .. }
            | Error::Misread { .. }
            | Error::UnitDiffers { .. }
            | Error::SaysNo { .. }
            | Error::LookedUpByName { .. } => None,
        }
    }
}
