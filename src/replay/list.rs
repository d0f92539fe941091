//! The list of commits, as a person wrote it.

use std::path::Path;
use std::sync::Arc;

use miette::NamedSource;

use super::Error;
use super::verdict::Expected;
use crate::target::Target;

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As it is written.
    pub commit: String,
    /// The module, where the line names one.
    pub module: Option<String>,
    /// What else is known of the commit; may be empty.
    pub date: String,
    /// The branch; may be empty.
    pub branch: String,
    /// What is expected on each target, in the targets' order.
    pub expected: Vec<Option<Expected>>,
    /// Where the commit stands in the text, for messages: offset and length.
    pub place: (usize, usize),
    /// The text that it is of.
    pub text: NamedSource<Arc<str>>,
}

impl Entry {
    /// That something is wrong with the commit itself.
    pub fn error(&self, problem: String) -> Error {
        let help = "name commits of that repository, by id, tag or branch".to_owned();
        Error::List { problem, text: self.text.clone(), at: self.place.into(), help }
    }
}

/// Reads the list for these targets.
///
/// # Errors
/// [`Error::List`], [`Error::Empty`], a file that cannot be read.
pub fn read(file: &Path, targets: &[Arc<Target>]) -> Result<Vec<Entry>, Error> {
    let text = fs_err::read_to_string(file)?;
    let names: Vec<[&str; 2]> =
        targets.iter().map(|target| [target.httpd_version.as_str(), target.name.as_str()]).collect();
    let entries = parse(&text, &file.display().to_string(), &names)?;
    if entries.is_empty() { Err(Error::Empty(file.to_owned())) } else { Ok(entries) }
}

/// What a cell is, by the column's name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Commit,
    Module,
    Date,
    Branch,
    /// For the targets of these numbers.
    Expected(Vec<usize>),
    /// Of a target that is not asked for, or a note.
    Other,
}

/// A cell with its offset in the text.
type Cell<'a> = (usize, &'a str);

fn parse(text: &str, shown: &str, targets: &[[&str; 2]]) -> Result<Vec<Entry>, Error> {
    let source: Arc<str> = text.into();
    let mut columns = vec![Column::Commit, Column::Module];
    let mut tabbed = false;
    let mut entries = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let line = line.trim_end();
        if line.trim_start().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let fail = |(at, cell): Cell<'_>, problem: String, help: &str| Error::List {
            problem,
            text: NamedSource::new(shown, source.clone()),
            at: (at, cell.len()).into(),
            help: help.to_owned(),
        };
        let cells = cells(line, start, tabbed);
        if cells.first().is_some_and(|(_, first)| *first == "commit") && entries.is_empty() {
            tabbed = line.contains('\t');
            columns =
                self::cells(line, start, tabbed).iter().map(|(_, name)| column(name, targets)).collect();
            continue;
        }
        let mut entry = Entry {
            commit: String::new(),
            module: None,
            date: String::new(),
            branch: String::new(),
            expected: vec![None; targets.len()],
            place: (start, line.len()),
            text: NamedSource::new(shown, source.clone()),
        };
        for (number, &(at, cell)) in cells.iter().enumerate() {
            match columns.get(number) {
                Some(Column::Commit) => {
                    entry.commit = cell.to_owned();
                    entry.place = (at, cell.len());
                }
                Some(Column::Module) => entry.module = Some(cell.to_owned()).filter(|name| !name.is_empty()),
                Some(Column::Date) => entry.date = cell.to_owned(),
                Some(Column::Branch) => entry.branch = cell.to_owned(),
                Some(Column::Expected(of)) if !cell.is_empty() => {
                    let Some(word) = Expected::read(cell) else {
                        let problem = format!("`{cell}` is nothing that could be expected");
                        return Err(fail((at, cell), problem, Expected::KNOWN));
                    };
                    for target in of {
                        entry.expected[*target] = Some(word);
                    }
                }
                Some(Column::Expected(_) | Column::Other) => {}
                None => {
                    let help = "separate the cells by tabs, under a first line that names the columns";
                    return Err(fail((at, cell), "there is no column for this".to_owned(), help));
                }
            }
        }
        if entry.commit.is_empty()
            || entry.commit.starts_with('-')
            || entry.commit.contains(char::is_whitespace)
        {
            let help = "every line begins with a commit, or has one in the column `commit`";
            return Err(fail((start, line), "no commit stands here".to_owned(), help));
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// The cells of a line; without tabs, its words.
fn cells(line: &str, start: usize, tabbed: bool) -> Vec<Cell<'_>> {
    let base = line.as_ptr() as usize;
    let place = |cell: &'_ str| cell.as_ptr() as usize - base + start;
    let split: Vec<&str> =
        if tabbed { line.split('\t').map(str::trim).collect() } else { line.split_whitespace().collect() };
    split.into_iter().map(|cell| (place(cell), cell)).collect()
}

fn column(name: &str, targets: &[[&str; 2]]) -> Column {
    match name {
        "commit" => Column::Commit,
        "module" => Column::Module,
        "date" => Column::Date,
        "branch" => Column::Branch,
        _ => {
            let of = |(number, names): (usize, &[&str; 2])| names.contains(&name).then_some(number);
            let of: Vec<usize> = targets.iter().enumerate().filter_map(of).collect();
            if of.is_empty() { Column::Other } else { Column::Expected(of) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Entry>, Error> {
        parse(text, "list", &[["2.4.6", "/opt/old"], ["2.4.62", "local"]])
    }

    #[test]
    fn a_table_is_read_by_its_column_names() {
        let text = "# c\n\ncommit\tdate\tmodule\t2.4.62\tnote\t2.4.6\t2.2.15\nabc\t2008-01-01\tmod_a\tok\tx y\tok*\tnonsense\n\
                    def\t\t\t\t\n";
        let entries = read(text).unwrap();
        assert_eq!(entries[0].commit, "abc");
        assert_eq!(entries[0].module.as_deref(), Some("mod_a"));
        assert_eq!((entries[0].date.as_str(), entries[0].branch.as_str()), ("2008-01-01", ""));
        assert_eq!(entries[0].expected, [Some(Expected::OkNot), Some(Expected::Ok)]);
        assert_eq!(&text[entries[0].place.0..][..entries[0].place.1], "abc");
        assert_eq!((entries[1].module.as_deref(), &entries[1].expected[..]), (None, &[None, None][..]));
    }

    #[test]
    fn plain_lines_are_commits_and_may_name_a_module() {
        let entries = read("abc\n  def mod_b # not a comment\n");
        assert!(entries.is_err());
        let entries = read("abc\r\n  def   mod_b\n").unwrap();
        assert_eq!(entries[1].commit, "def");
        assert_eq!(entries[1].module.as_deref(), Some("mod_b"));
    }

    #[test]
    fn what_is_wrong_is_shown_where_it_stands() {
        let fails = |text: &str, at: &str| match read(text).unwrap_err() {
            Error::List { at: span, .. } => assert_eq!(&text[span.offset()..span.offset() + span.len()], at),
            other => panic!("{other}"),
        };
        fails("commit\t2.4.6\nabc\tokay\n", "okay");
        fails("commit\t2.4.6\nabc\tok\tmore\n", "more");
        fails("commit\tmodule\n\tmod_a\n", "\tmod_a");
        fails("--upload-pack=x\n", "--upload-pack=x");
    }
}
