//! Commands that are about recipes, and build nothing.

use std::path::PathBuf;

use clap::Args;

use super::Talk;

/// Start a recipe from patches, a commit, or the tree of a third party's module
#[derive(Debug, Args)]
pub struct New {
    /// Patch files in order, which are copied beside the recipe; with --from, the module's C file in that tree, where it has
    /// several modules
    #[arg(value_name = "PATCH | FILE")]
    pub input: Vec<String>,

    /// A whole tree: a tarball (with #sha256=DIGEST behind a url), a revision of a git repository, or a folder
    #[arg(long, value_name = "TARBALL | GIT@REV | DIR", conflicts_with_all = ["base", "commit"])]
    pub from: Option<String>,

    /// The commit that brings the module
    #[arg(long, value_name = "GIT@REV", conflicts_with_all = ["base", "input"])]
    pub commit: Option<String>,

    /// The tree that the patches apply to: a folder, or a git repository and revision
    #[arg(long, value_name = "DIR | GIT@REV")]
    pub base: Option<String>,

    /// The module that is meant, where patches or a commit bring several: mod_NAME
    #[arg(long, value_name = "NAME")]
    pub module: Option<String>,

    /// The folder in which the recipe's folder is made, called as the module
    #[arg(long, value_name = "DIR", default_value = "modules")]
    pub out: PathBuf,

    /// Never use the network: what is not in the cache is an error
    #[arg(long)]
    pub offline: bool,

    #[command(flatten)]
    pub talk: Talk,
}

/// Tell what is not right with recipes, or could be better
#[derive(Debug, Args)]
pub struct Lint {
    /// Recipes: names in modules/, folders or module.toml files; all beneath modules/ where none is named
    #[arg(value_name = "RECIPE")]
    pub recipes: Vec<String>,

    /// Take these for errors: `warnings`, `notes` (both), or the name of a lint
    #[arg(long, value_name = "warnings | notes | NAME")]
    pub deny: Vec<String>,

    /// Explain a lint, or list all of them, and look at nothing
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["recipes", "deny", "json"])]
    pub explain: Option<String>,

    /// Each finding as a line of JSON
    #[arg(long)]
    pub json: bool,
}
