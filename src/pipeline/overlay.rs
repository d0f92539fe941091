//! The work tree in which a person makes an overlay: laid out when nothing else helps, saved as a patch beside the recipe.

use std::path::{Path, PathBuf};

use handlebars::{Handlebars, no_escape};
use serde::{Deserialize, Serialize};

use super::clock::stage;
use super::graft::Bench;
use super::output::Staging;
use super::prepare::{Ready, prepare};
use super::required::required;
use super::{Error, Request, summary};
use crate::adapt::overlay::{self, Overlay};
use crate::flatten::TranslationUnit;
use crate::recipe::{self, Input};
use crate::report::{Event, Reporter, Stage, diagnostic};
use crate::{adapt, compile, shell};

/// What the work tree is of.
const STATE: &str = "overlay.toml";

const README: &str = include_str!("../../templates/overlay-readme.hbs");

/// Where an overlay is made, and what it is called.
#[derive(Debug, Clone)]
pub struct WorkTree {
    /// The folder.
    pub dir: PathBuf,
    /// For which targets: one of the recipe's keys for the target. Where it is not said, that of the overlays that there are,
    /// else the first.
    pub key: Option<String>,
    /// Begins another patch on top of those that there are, in place of opening the last.
    pub new: bool,
}

/// `overlay.toml`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    module: String,
    target: String,
    key: String,
    /// The patch that `save` writes; empty: a new one.
    patch: String,
    message: String,
}

/// What a person is told in the work tree.
#[derive(Debug, Serialize)]
struct Readme<'a> {
    module: &'a str,
    httpd: &'a str,
    recipe: String,
    target: &'a str,
    dir: String,
    key: &'a str,
    patch: &'a str,
    rejected: bool,
    applied: Vec<&'a str>,
    fits: bool,
    missing: Vec<String>,
    compiler: String,
}

/// The units of a work tree.
struct LaidOut<'a> {
    /// With the overlays that stay as they are.
    pristine: TranslationUnit,
    /// With the hunks that fit of the one that is opened.
    edited: TranslationUnit,
    applied: &'a [Overlay],
    opened: Option<&'a Overlay>,
    /// The hunks that do not fit, as a patch.
    rejected: String,
}

/// Lays out the flattened file with the recipe's overlays, ready to be edited. What is missing in the target is told, and no
/// error.
///
/// # Errors
/// Any stage's up to flatten; [`Error::OverlayWithoutRecipe`], [`Error::OverlayFolder`], [`Error::OverlayKey`].
pub fn overlay_start(
    request: &Request,
    tree: &WorkTree,
    reporter: &dyn Reporter,
) -> Result<(), crate::Error> {
    let Input::Recipe(_) = &request.input else { return Err(Error::OverlayWithoutRecipe.into()) };
    if fs_err::read_dir(&tree.dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::OverlayFolder(tree.dir.clone()).into());
    }
    let work = super::work::folder().map_err(Error::from)?;
    let ready = prepare(request, None, work.path(), reporter)?;
    let keys = recipe::overlay_keys(&ready.target);
    let key = match &tree.key {
        Some(key) if keys.contains(key) => key.clone(),
        Some(key) => return Err(Error::OverlayKey { key: key.clone(), known: keys.join(", ") }.into()),
        None => recipe::overlays(&ready.recipe.directory, &keys)?.key,
    };
    // Of another key than the one that counts, nothing is there yet, or something more general is in force.
    let overlays: Vec<Overlay> = ready
        .overlays()?
        .into_iter()
        .filter(|known| *known.path == recipe::overlay_path(&key, &known.name))
        .collect();
    let required = required(&ready, &[], request, work.path(), reporter)?;
    let bench = Bench::new(&ready, &required, false);
    let unit = stage(reporter, Stage::Flatten, || bench.flatten(), summary::flattened)?;
    let laid_out = lay_out(unit, &overlays, tree.new);

    let fit = || missing(&bench, &laid_out, &ready.by_hand);
    let missing = stage(reporter, Stage::Adapt, fit, |missing| match missing.len() {
        0 => "fits with the rules that there are".to_owned(),
        _ => "does not fit yet: README.txt says what is missing".to_owned(),
    })?;
    let files = files(&ready, request, tree, &key, &laid_out, &missing)?;

    let staging = Staging::new(&tree.dir).map_err(Error::from)?;
    for (name, text) in &files {
        fs_err::write(staging.path(name), text).map_err(Error::from)?;
    }
    let names: Vec<String> = files.into_iter().map(|(name, _)| name).collect();
    let published = staging.publish(&names)?;
    if !laid_out.rejected.is_empty() {
        reporter.warning(
            "not all of the overlay fits any more: the rest is in a .rej file, to be merged by hand",
        );
    }
    reporter.event(Event::Results { files: published });
    Ok(())
}

/// Applies what fits: the last overlay is the one to be edited, or the first that does not fit.
fn lay_out(unit: TranslationUnit, overlays: &[Overlay], new: bool) -> LaidOut<'_> {
    let mut pristine = unit;
    for (index, one) in overlays.iter().enumerate() {
        let (edited, _, rejects) = overlay::fitting(pristine.clone(), one);
        if !rejects.is_empty() || (index + 1 == overlays.len() && !new) {
            let numbers: Vec<usize> = rejects.iter().map(|reject| reject.hunk).collect();
            let applied = overlays.get(..index).unwrap_or_default();
            return LaidOut { pristine, edited, applied, opened: Some(one), rejected: one.part(&numbers) };
        }
        pristine = edited;
    }
    LaidOut { edited: pristine.clone(), pristine, applied: overlays, opened: None, rejected: String::new() }
}

/// What the target lacks when the rules have done what they can, each as lines of text.
fn missing(bench: &Bench<'_>, laid_out: &LaidOut<'_>, by_hand: &str) -> Result<Vec<String>, adapt::Error> {
    let whole = laid_out.opened.filter(|_| laid_out.rejected.is_empty());
    let overlays: Vec<Overlay> = laid_out.applied.iter().chain(whole).cloned().collect();
    // What the help proposes is being done.
    let (alone, beside) = (format!("\n  help: {by_hand}"), format!(", or {by_hand}"));
    let told = |diagnostic: &dyn miette::Diagnostic| {
        let text = anstream::adapter::strip_str(&diagnostic::render(diagnostic)).to_string();
        text.trim_end().replace(&alone, "").replace(&beside, "")
    };
    match bench.adapt(laid_out.edited.clone(), &overlays, None) {
        Ok(_) => Ok(Vec::new()),
        Err(adapt::Error::Walls { walls, .. }) => Ok(walls.iter().map(|wall| told(wall)).collect()),
        Err(error @ (adapt::Error::Flatten(_) | adapt::Error::Overlay(_))) => Ok(vec![told(&error)]),
        Err(error) => Err(error),
    }
}

fn files(
    ready: &Ready,
    request: &Request,
    tree: &WorkTree,
    key: &str,
    laid_out: &LaidOut<'_>,
    missing: &[String],
) -> Result<Vec<(String, String)>, crate::Error> {
    let name = laid_out.edited.file_name();
    let patch = laid_out.opened.map_or("", |overlay| overlay.name.as_str());
    let state = State {
        module: ready.recipe.name.clone(),
        target: request.target.clone(),
        key: key.to_owned(),
        patch: patch.to_owned(),
        message: laid_out.opened.map_or(String::new(), |overlay| overlay.message.clone()),
    };
    let language = compile::language(&ready.target, &ready.toolchain, &ready.recipe.libraries)?;
    let words =
        [ready.toolchain.program.display().to_string()].into_iter().chain(ready.toolchain.leading.clone());
    let call: Vec<String> = words
        .chain(language.iter().cloned())
        .chain(["-fsyntax-only".to_owned(), name.clone()])
        .map(|word| shell::quoted(&[&word]))
        .collect();
    let readme = Readme {
        module: &ready.recipe.name,
        httpd: &ready.target.httpd_version,
        recipe: shell::quoted(&[&ready.recipe.directory.to_string_lossy()]),
        target: &request.target,
        dir: shell::quoted(&[&tree.dir.to_string_lossy()]),
        key,
        patch,
        rejected: !laid_out.rejected.is_empty(),
        applied: laid_out.applied.iter().map(|overlay| &*overlay.path).collect(),
        fits: missing.is_empty(),
        missing: missing.to_vec(),
        compiler: call.join(" "),
    };
    let mut engine = Handlebars::new();
    engine.register_escape_fn(no_escape);
    engine.set_strict_mode(true);
    let readme =
        engine.render_template(README, &readme).expect("the built-in template names only what Readme has");
    let mut files = vec![
        (format!("{name}.orig"), laid_out.pristine.render(false)),
        (name, laid_out.edited.render(false)),
        ("README.txt".to_owned(), readme),
        ("compile_flags.txt".to_owned(), language.iter().map(|flag| format!("{flag}\n")).collect()),
        (STATE.to_owned(), state_text(&state)?),
    ];
    if !laid_out.rejected.is_empty() {
        files.push((format!("{patch}.rej"), laid_out.rejected.clone()));
    }
    Ok(files)
}

/// Writes what was edited in the work tree as a patch beside the recipe.
///
/// # Errors
/// [`Error::OverlayWithoutRecipe`], [`Error::OverlayTree`], [`Error::OverlayOther`], [`Error::OverlayUnchanged`].
pub fn overlay_save(
    request: &Request,
    dir: &Path,
    message: Option<&str>,
    reporter: &dyn Reporter,
) -> Result<(), crate::Error> {
    let Input::Recipe(file) = &request.input else { return Err(Error::OverlayWithoutRecipe.into()) };
    let recipe = recipe::read(file)?;
    let read = |name: &str| fs_err::read_to_string(dir.join(name));
    let broken = |reason: String| Error::OverlayTree { dir: dir.to_owned(), reason };
    let state = read(STATE).map_err(|error| broken(error.to_string()))?;
    let mut state: State = toml::from_str(&state).map_err(|error| broken(error.message().to_owned()))?;
    if state.module != recipe.name || state.target != request.target {
        let found = format!("{} for target {}", state.module, state.target);
        let asked = format!("{} for target {}", recipe.name, request.target);
        return Err(Error::OverlayOther { dir: dir.to_owned(), found, asked }.into());
    }
    let name = format!("{}.c", recipe.name);
    let (before, after) =
        (read(&format!("{name}.orig")).map_err(Error::from)?, read(&name).map_err(Error::from)?);
    if let Some(message) = message {
        state.message = message.trim().to_owned();
    } else if state.message.is_empty() {
        state.message = format!("Fit {} to {}", recipe.name, state.key);
    }
    let Some(text) = overlay::write(&name, &before, &after, &state.message) else {
        return Err(Error::OverlayUnchanged(dir.join(&name)).into());
    };
    let folder = recipe::overlay_folder(&recipe.directory, &state.key);
    if state.patch.is_empty() {
        state.patch = format!("{:04}-{}.patch", next_number(&folder), slug(&state.message));
    }
    let path = recipe::overlay_path(&state.key, &state.patch);
    Overlay::read(&path, text.as_str().into()).map_err(adapt::Error::from)?;
    if dir.join(format!("{}.rej", state.patch)).exists() {
        reporter.warning(format!("{}.rej is still there: see that all of it was merged", state.patch));
    }
    let staging = Staging::new(&folder).map_err(Error::from)?;
    fs_err::write(staging.path(&state.patch), text).map_err(Error::from)?;
    let published = staging.publish(std::slice::from_ref(&state.patch))?;
    // Saved again, it is the same patch.
    let staging = Staging::new(dir).map_err(Error::from)?;
    fs_err::write(staging.path(STATE), state_text(&state)?).map_err(Error::from)?;
    staging.publish(&[STATE.to_owned()])?;
    reporter.event(Event::Results { files: published });
    Ok(())
}

fn state_text(state: &State) -> Result<String, Error> {
    let text = toml::to_string(state).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(format!("# What this work tree is of, for `modgraft overlay save`.\n{text}"))
}

/// The number behind the last patch's.
fn next_number(folder: &Path) -> u32 {
    let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        name.split('-').next()?.parse::<u32>().ok()
    });
    numbers.max().unwrap_or(0).saturating_add(1)
}

/// The message's first line as part of a file's name.
fn slug(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default().to_ascii_lowercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: Vec<&str> = first.split(|c| !plain(c)).filter(|word| !word.is_empty()).collect();
    let mut slug = String::new();
    for word in words {
        // Whole words, as long as a name should be.
        if !slug.is_empty() && slug.len() + word.len() >= 50 {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(word);
    }
    slug.truncate(100);
    if slug.is_empty() { "overlay".to_owned() } else { slug }
}
