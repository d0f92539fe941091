//! The listener for people: short lines on stderr, and the results, alone, on stdout.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use super::live::Live;
use super::stdout::Stdout;
use super::{Event, Reporter, diagnostic};
use crate::download::Step;
use crate::pipeline::{Ended, Outcome};

/// Writes for a person. Colours follow `NO_COLOR`, `CLICOLOR` and whether stderr is a terminal.
#[derive(Debug)]
pub struct Terminal {
    verbose: bool,
    /// Where stderr is a terminal, the stage that runs is shown until its result replaces it.
    transient: bool,
    /// The bar of what is being fetched.
    bar: Mutex<Option<ProgressBar>>,
    /// The jobs of a run of many.
    live: Live,
    stdout: Stdout,
}

/// How a bar looks; without a total there is none to fill.
const BAR: &str = "{prefix:>9}  [{bar:24}] {bytes} of {total_bytes}, {bytes_per_sec}  {wide_msg}";
const NO_BAR: &str = "{prefix:>9}  {bytes}, {bytes_per_sec}  {wide_msg}";

/// The column in which stage names end.
const NAME: usize = 9;

impl Terminal {
    /// With `verbose`, [`Event::Detail`] is shown too.
    pub fn new(verbose: bool) -> Self {
        Terminal {
            verbose,
            transient: io::stderr().is_terminal(),
            bar: Mutex::new(None),
            live: Live::default(),
            stdout: Stdout::default(),
        }
    }

    /// Draws how far downloads are. What is no terminal gets a line at the beginning and one at the end.
    fn progress(&self, step: Step, summary: &str, file: String, here: u64, of: Option<u64>) {
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.transient || step == Step::End {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
            if step != Step::Going {
                self.line("fetch", Style::new().dimmed(), summary);
            }
            return;
        }
        let bar = bar.get_or_insert_with(|| {
            let _ = write!(anstream::stderr().lock(), "\r\x1b[K");
            ProgressBar::no_length().with_prefix("fetch")
        });
        if of.is_some() != bar.length().is_some() || step == Step::Begin {
            let style = ProgressStyle::with_template(if of.is_some() { BAR } else { NO_BAR });
            bar.set_style(style.expect("the templates are well formed").progress_chars("=> "));
        }
        match of {
            Some(of) => bar.set_length(of),
            None => bar.unset_length(),
        }
        bar.set_message(file);
        bar.set_position(here);
    }

    /// Takes away a bar that an error or a word of something else has overtaken.
    fn clear(&self) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }

    /// Of several builds that run at once only what is finished is shown, each line with its target.
    fn event_of(&self, target: &str, event: Event) {
        let of = |text: String| format!("{target}: {text}");
        match event {
            Event::Started { .. } => {}
            Event::Finished { stage, summary, elapsed } => {
                self.event(Event::Finished { stage, summary: of(summary), elapsed });
            }
            Event::Note { text } => self.event(Event::Note { text: of(text) }),
            Event::Warning { text } => self.event(Event::Warning { text: of(text) }),
            Event::Detail { text } => self.event(Event::Detail { text: of(text) }),
            Event::Summary { mut lines } => {
                if let Some(first) = lines.first_mut() {
                    *first = of(std::mem::take(first));
                }
                self.event(Event::Summary { lines });
            }
            Event::Progress { .. }
            | Event::Results { .. }
            | Event::Of { .. }
            | Event::Submitted { .. }
            | Event::Planned { .. }
            | Event::Job(_) => self.event(event),
        }
    }

    /// Of a job among many a person wants to know where it is, and in the end how it went.
    fn event_of_job(&self, module: &str, target: &str, event: Event) {
        match event {
            Event::Started { stage } => self.live.stage(module, target, stage),
            Event::Finished { .. } | Event::Note { .. } | Event::Summary { .. } if !self.verbose => {}
            event => self.event_of(&format!("{module} for {target}"), event),
        }
    }

    fn job(&self, ended: &Ended) {
        let Ended { job, outcome, reason, packages, elapsed, .. } = ended;
        self.live.ended(&job.module, &job.target);
        let style = match outcome {
            Outcome::Built => AnsiColor::Green.on_default().bold(),
            Outcome::Unchanged | Outcome::Skipped => Style::new().dimmed(),
            Outcome::Refused => AnsiColor::Yellow.on_default().bold(),
            Outcome::Failed => AnsiColor::Red.on_default().bold(),
        };
        let package = packages.first().and_then(|package| package.file_name());
        let what = package.map_or_else(|| job.module.clone(), |name| name.to_string_lossy().into_owned());
        let plain = Style::new().dimmed();
        let text = format!("{what} for {}  {plain}{}{plain:#}", job.target, time(*elapsed));
        self.line(outcome.word(), style, &text);
        if let Some(reason) = reason {
            self.line("", plain, reason.text.trim_end());
        }
    }

    fn line(&self, label: &str, style: Style, text: &str) {
        self.live.above(|| {
            let mut stderr = anstream::stderr().lock();
            let erase = if self.transient { "\r\x1b[K" } else { "" };
            let mut lines = text.lines();
            let first = lines.next().unwrap_or_default();
            // A stderr that cannot be written to leaves nowhere to say so.
            let _ = writeln!(stderr, "{erase}{style}{label:>NAME$}{style:#}  {first}");
            for line in lines {
                let _ = writeln!(stderr, "{:NAME$}  {line}", "");
            }
        });
    }
}

fn time(elapsed: Duration) -> String {
    match elapsed.as_secs_f64() {
        seconds if seconds < 0.0995 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}

impl Reporter for Terminal {
    fn event(&self, event: Event) {
        let good = AnsiColor::Green.on_default().bold();
        let plain = Style::new().dimmed();
        if !matches!(event, Event::Progress { .. }) {
            self.clear();
        }
        match event {
            Event::Progress { step, what, file, files_done, files, bytes_done, bytes } => {
                let count = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
                let summary = match (step, bytes) {
                    (Step::End, _) => format!("{what}: {count}, {}", HumanBytes(bytes_done)),
                    (_, Some(bytes)) => format!("{what}: {count}, {} …", HumanBytes(bytes)),
                    (_, None) => format!("{what}: {count} …"),
                };
                let message = format!("{files_done} of {count}  {file}");
                self.progress(step, &summary, message, bytes_done, bytes);
            }
            Event::Started { stage } if self.transient && !self.live.is_there() => {
                let mut stderr = anstream::stderr().lock();
                let _ = write!(stderr, "\r\x1b[K{plain}{:>NAME$}  …{plain:#}", stage.name());
                let _ = stderr.flush();
            }
            Event::Started { .. } => {}
            Event::Finished { stage, summary, elapsed } => {
                let text = format!("{summary}  {plain}{}{plain:#}", time(elapsed));
                self.line(stage.name(), good, &text);
            }
            Event::Note { text } => self.line("note", AnsiColor::Cyan.on_default().bold(), &text),
            Event::Warning { text } => self.line("warning", AnsiColor::Yellow.on_default().bold(), &text),
            Event::Detail { text } if self.verbose => self.line("", plain, &text),
            Event::Detail { .. } => {}
            Event::Summary { lines } => {
                self.live.end();
                for (index, line) in lines.iter().enumerate() {
                    self.line(if index == 0 { "done" } else { "" }, good, line);
                }
            }
            Event::Of { module: None, target, told } => self.event_of(&target, *told),
            Event::Of { module: Some(module), target, told } => self.event_of_job(&module, &target, *told),
            Event::Planned { jobs } => self.live.begin(jobs),
            Event::Job(ended) => self.job(&ended),
            Event::Submitted { build } if build.remote => {
                self.line("submit", good, &format!("{build}: {}", build.follow));
            }
            Event::Submitted { build } => self.line("submit", good, &build.to_string()),
            Event::Results { files } => {
                for file in files {
                    self.stdout.line(&file.display().to_string());
                }
            }
        }
    }

    fn failure(&self, error: &crate::Error) {
        self.clear();
        self.live.end();
        let erase = if self.transient { "\r\x1b[K" } else { "" };
        let _ = write!(anstream::stderr().lock(), "{erase}{}", diagnostic::render(error));
    }

    fn end(&self) -> io::Result<()> {
        self.stdout.end()
    }
}
