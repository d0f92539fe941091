//! The listener for people: short lines on stderr, and the results, alone, on stdout.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use super::{Event, Reporter, diagnostic};

/// Writes for a person. Colours follow `NO_COLOR`, `CLICOLOR` and whether stderr is a terminal.
#[derive(Debug)]
pub struct Terminal {
    verbose: bool,
    /// Where stderr is a terminal, the stage that runs is shown until its result replaces it.
    transient: bool,
}

/// The column in which stage names end.
const NAME: usize = 9;

impl Terminal {
    /// With `verbose`, [`Event::Detail`] is shown too.
    pub fn new(verbose: bool) -> Self {
        Terminal { verbose, transient: io::stderr().is_terminal() }
    }

    fn line(&self, label: &str, style: Style, text: &str) {
        let mut stderr = anstream::stderr().lock();
        let erase = if self.transient { "\r\x1b[K" } else { "" };
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        // A stderr that cannot be written to leaves nowhere to say so.
        let _ = writeln!(stderr, "{erase}{style}{label:>NAME$}{style:#}  {first}");
        for line in lines {
            let _ = writeln!(stderr, "{:NAME$}  {line}", "");
        }
    }
}

impl Reporter for Terminal {
    fn event(&self, event: Event) {
        let good = AnsiColor::Green.on_default().bold();
        let plain = Style::new().dimmed();
        match event {
            Event::Started { stage } if self.transient => {
                let mut stderr = anstream::stderr().lock();
                let _ = write!(stderr, "\r\x1b[K{plain}{:>NAME$}  …{plain:#}", stage.name());
                let _ = stderr.flush();
            }
            Event::Started { .. } => {}
            Event::Finished { stage, summary, elapsed } => {
                let time = match elapsed.as_secs_f64() {
                    seconds if seconds < 0.0995 => format!("{:.0} ms", seconds * 1e3),
                    seconds => format!("{seconds:.2} s"),
                };
                self.line(stage.name(), good, &format!("{summary}  {plain}{time}{plain:#}"));
            }
            Event::Note { text } => self.line("note", AnsiColor::Cyan.on_default().bold(), &text),
            Event::Warning { text } => self.line("warning", AnsiColor::Yellow.on_default().bold(), &text),
            Event::Detail { text } if self.verbose => self.line("", plain, &text),
            Event::Detail { .. } => {}
            Event::Summary { lines } => {
                for (index, line) in lines.iter().enumerate() {
                    self.line(if index == 0 { "done" } else { "" }, good, line);
                }
            }
            Event::Results { files } => {
                let mut stdout = io::stdout().lock();
                for file in files {
                    let _ = writeln!(stdout, "{}", file.display());
                }
            }
        }
    }

    fn failure(&self, error: &crate::Error) {
        let erase = if self.transient { "\r\x1b[K" } else { "" };
        let _ = write!(anstream::stderr().lock(), "{erase}{}", diagnostic::render(error));
    }
}
