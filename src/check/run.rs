//! The checks of a package, one after the other.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::backend::Backend;
use super::http::{self, Connection, ResponseHead};
use super::httpd::{self, Instance, Server, Setup};
use super::modules::{Modules, modules};
use super::neighbours::neighbours;
use super::plan::Plan;
use super::result::{CheckResult, Checked, Outcome};
use super::stream::{Deadline, Stream};
use super::template::BackendValues;
use super::websocket::{self, Opening};
use super::{Error, log};
use crate::process;
use crate::recipe::check::{Action, Check, Expect, Request, Site, WebSocket};

/// How many connections a check's httpd serves at once: a check makes one at a time, and a tunnel that is not quite gone
/// holds another.
const WORKERS: u32 = 8;
/// How long one `httpd -t` may take.
const TEST_LIMIT: Duration = Duration::from_secs(20);
/// How long one may take at least that has passed already, but for modules of the target; and how many times what it took then.
const BESIDE_LIMIT: (Duration, u32) = (Duration::from_secs(3), 20);
/// How long httpd may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long one request, or one WebSocket, may take.
const ACTION_LIMIT: Duration = Duration::from_secs(20);

/// Runs the checks. Without any, the module is loaded and httpd started all the same: a module that compiles and links can
/// still crash httpd as it starts.
///
/// # Errors
/// [`Error::NoLibgcc`] if the target's own C library ends httpd; [`Error::Failed`] if a check is answered wrongly or a process of httpd crashes, with the results of all checks;
/// what keeps httpd from running at all, otherwise.
pub fn run(checks: &[Check], plan: &Plan) -> Result<CheckResult, Error> {
    let began = Instant::now();
    let deadline = Deadline::after(plan.limit);
    let built_in = httpd::built_in(&plan.httpd, deadline)?;
    let backends = Backends::start(plan.limit)?;
    let mut run = Run {
        plan,
        deadline,
        built_in,
        backends,
        starts: 0,
        stood_beside: false,
        restarted: false,
        outcomes: vec![None; checks.len()],
    };
    let mut crashes = Vec::new();
    let mut logs = Vec::new();
    for group in groups(checks) {
        let stopped = run.group(&group).map_err(|error| match &error {
            Error::Ended { log, .. } | Error::NotReady { log, .. } => no_libgcc(log).unwrap_or(error),
            _ => error,
        })?;
        if let Some(stopped) = stopped {
            // Whatever was answered wrongly then is a consequence of that.
            if let Some(error) = no_libgcc(&stopped.log) {
                return Err(error);
            }
            let failed = group.checks.iter().any(|(index, _)| run.failed(*index));
            if failed || !stopped.crashes.is_empty() {
                logs.push(log::tail(&stopped.log, httpd::EXCERPT));
            }
            crashes.extend(stopped.crashes);
        }
    }
    let outcomes = run.outcomes.into_iter().flatten().zip(checks);
    let result = CheckResult {
        starts: run.starts,
        checks: outcomes
            .map(|((outcome, duration), check)| Checked { name: check.name.clone(), outcome, duration })
            .collect(),
        duration: began.elapsed(),
    };
    if process::interrupted() {
        return Err(Error::Interrupted);
    }
    if result.passed() < checks.len() || !crashes.is_empty() {
        return Err(Error::Failed { result, crashes, log: logs.join("\n") });
    }
    Ok(result)
}

fn no_libgcc(log: &str) -> Option<Error> {
    log::without_libgcc(log).map(|said| Error::NoLibgcc { said: said.to_owned() })
}

/// Checks that share an httpd.
struct Group<'a> {
    site: Site,
    /// With their places in the recipe.
    checks: Vec<(usize, &'a Check)>,
    /// Whether httpd is started for them, or only tested.
    starts: bool,
}

/// In the order of the recipe's first check of each; one at least starts httpd.
fn groups(checks: &[Check]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (index, check) in checks.iter().enumerate() {
        let starts = matches!(check.action, Action::Request { .. } | Action::WebSocket { .. });
        match groups.iter_mut().find(|group| group.site == check.site) {
            Some(group) => {
                group.checks.push((index, check));
                group.starts |= starts;
            }
            None => groups.push(Group { site: check.site.clone(), checks: vec![(index, check)], starts }),
        }
    }
    if !groups.iter().any(|group| group.starts) {
        match groups.iter_mut().find(|group| group.site == Site::default()) {
            Some(group) => group.starts = true,
            None => groups.insert(0, Group { site: Site::default(), checks: Vec::new(), starts: true }),
        }
    }
    groups
}

struct Run<'a> {
    plan: &'a Plan,
    deadline: Deadline,
    built_in: BTreeSet<String>,
    backends: Backends,
    starts: usize,
    /// Whether the module was tested beside those that share its hooks.
    stood_beside: bool,
    /// Whether httpd has read its configuration again with it.
    restarted: bool,
    /// By the check's place in the recipe.
    outcomes: Vec<Option<(Outcome, Duration)>>,
}

impl Run<'_> {
    fn failed(&self, index: usize) -> bool {
        matches!(self.outcomes.get(index), Some(Some((Outcome::Failed(_), _))))
    }

    /// Runs the checks of a group; returns what its httpd left, if one was started.
    fn group(&mut self, group: &Group<'_>) -> Result<Option<httpd::Stopped>, Error> {
        let name = group.checks.first().map_or("the module", |(_, check)| check.name.as_str());
        let wanted_by = format!("check `{name}`");
        let modules = modules(self.plan, &group.site, &wanted_by, &self.built_in)?;
        let setup = Setup {
            modules: &modules,
            config: &group.site.config,
            check: name,
            backend: self.backends.values,
            workers: WORKERS,
        };
        let instance = Instance::new(self.plan, setup)?;
        let began = Instant::now();
        instance.test("", self.deadline.at_most(TEST_LIMIT))?;
        if !std::mem::replace(&mut self.stood_beside, true) {
            let (least, times) = BESIDE_LIMIT;
            self.stand_beside(&instance, &modules, least.max(began.elapsed() * times))?;
        }
        for (index, check) in &group.checks {
            let began = Instant::now();
            let (directive, message) = match &check.action {
                Action::Accepted { directive } => (directive, None),
                Action::Refused { directive, message } => (directive, Some(message)),
                Action::Request { .. } | Action::WebSocket { .. } => continue,
            };
            let tested = instance.test(directive, self.deadline.at_most(TEST_LIMIT));
            self.record(*index, began, judge_directive(tested, message)?);
        }
        if !group.starts {
            return Ok(None);
        }
        let server = instance.start(self.deadline.at_most(START_LIMIT))?;
        self.starts += 1;
        for (index, check) in &group.checks {
            let began = Instant::now();
            let deadline = self.deadline.at_most(ACTION_LIMIT);
            let outcome = match &check.action {
                Action::Accepted { .. } | Action::Refused { .. } => continue,
                Action::Request { request, expect } => send(&server, request, expect, deadline),
                Action::WebSocket { websocket, expect } => tunnel(&server, websocket, expect, deadline),
            };
            self.record(*index, began, outcome);
        }
        let mut stopped = server.stop()?;
        let failed = !stopped.crashes.is_empty() || group.checks.iter().any(|(index, _)| self.failed(*index));
        if !failed && !process::interrupted() && !std::mem::replace(&mut self.restarted, true) {
            let crashes = self.restart(&instance, group)?;
            stopped.crashes.extend(crashes);
        }
        Ok(Some(stopped))
    }

    /// Tests httpd with the modules that share the module's hooks by name. One that the target's httpd does not load so, for want of
    /// others or of directives, is left out.
    fn stand_beside(&self, instance: &Instance<'_>, loaded: &Modules, limit: Duration) -> Result<(), Error> {
        let neighbours = neighbours(self.plan, loaded, &self.built_in)?;
        let test = |lines: &str| instance.test(lines, self.deadline.at_most(limit));
        let all: String = neighbours.iter().map(|neighbour| neighbour.line.as_str()).collect();
        if all.is_empty() || test(&all).is_ok() {
            return Ok(());
        }
        let mut lines = String::new();
        for neighbour in neighbours {
            let with = lines.clone() + &neighbour.line;
            match test(&with) {
                Ok(()) => lines = with,
                Err(Error::Refused { .. }) => {}
                Err(Error::Spins { limit }) => {
                    return Err(Error::Circle { neighbour: neighbour.name, limit });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Starts httpd once more, and has it read its configuration again, and answer the first request once more; returns what it says of
    /// processes that crashed. Where it is answered, those do not count that are told to end in the first moments of their life: there,
    /// httpd's own can crash.
    fn restart(&self, instance: &Instance<'_>, group: &Group<'_>) -> Result<Vec<String>, Error> {
        let mut server = instance.start(self.deadline.at_most(START_LIMIT))?;
        server.restart(self.deadline.at_most(START_LIMIT))?;
        let asked = group.checks.iter().find_map(|(_, check)| match &check.action {
            Action::Request { request, .. } => Some(request),
            _ => None,
        });
        // Whatever it is: what was asked before may be answered otherwise the second time.
        let deadline = self.deadline.at_most(ACTION_LIMIT);
        let answered = asked.is_none_or(|request| ask(&server, request, deadline).is_ok());
        let crashes = server.crashes();
        let stopped = server.stop()?;
        Ok(if answered { crashes } else { stopped.crashes })
    }

    fn record(&mut self, index: usize, began: Instant, outcome: Result<(), String>) {
        let outcome = outcome.map_or_else(Outcome::Failed, |()| Outcome::Passed);
        if let Some(place) = self.outcomes.get_mut(index) {
            *place = Some((outcome, began.elapsed()));
        }
    }
}

/// What `httpd -t` said of a directive, against what it should have said.
fn judge_directive(tested: Result<(), Error>, message: Option<&String>) -> Result<Result<(), String>, Error> {
    Ok(match (tested, message) {
        (Ok(()), None) => Ok(()),
        (Ok(()), Some(message)) => {
            Err(format!("expected httpd to refuse the directive with {message:?}, and it accepts it"))
        }
        (Err(Error::Refused { reason, .. }), Some(message)) if reason.contains(message) => Ok(()),
        (Err(Error::Refused { status, reason, .. }), Some(message)) => {
            Err(format!("expected a refusal with {message:?}, found ({status}) {reason:?}"))
        }
        (Err(Error::Refused { status, reason, .. }), None) => {
            Err(format!("expected httpd to accept the directive, found ({status}) {reason:?}"))
        }
        (Err(error @ Error::Spins { .. }), _) => Err(error.to_string()),
        (Err(error), _) => return Err(error),
    })
}

fn send(server: &Server<'_>, request: &Request, expect: &Expect, deadline: Deadline) -> Result<(), String> {
    let found = |problem| match problem {
        Unanswered::Before(problem) => problem,
        Unanswered::Last(error) => format!("expected status {}, found none: {error}", expect.status),
    };
    let response = ask(server, request, deadline).map_err(found)?;
    judge(expect, &response.head, &response.body)
}

/// Why a request got no answer.
enum Unanswered {
    /// It was not even sent, in words.
    Before(String),
    Last(http::Error),
}

/// Sends a request, and those before it on the same connection.
fn ask(server: &Server<'_>, request: &Request, deadline: Deadline) -> Result<http::Response, Unanswered> {
    let address = server.address();
    let stream = Stream::connect(address, deadline);
    let stream = stream.map_err(|error| Unanswered::Before(format!("httpd takes no connection: {error}")))?;
    let mut connection = Connection::new(stream);
    let mut send = |request: &Request, last: bool| {
        let body = request.body.as_ref().map(|body| body.as_bytes());
        let what = (request.method.as_str(), request.path.as_str());
        http::exchange_on(&mut connection, &address.to_string(), what, &request.headers, body, last)
    };
    for earlier in &request.before {
        let unanswered = |error| Unanswered::Before(format!("a request before it got no answer: {error}"));
        send(earlier, false).map_err(unanswered)?;
    }
    send(request, true).map_err(Unanswered::Last)
}

fn tunnel(
    server: &Server<'_>,
    wanted: &WebSocket,
    expect: &Expect,
    deadline: Deadline,
) -> Result<(), String> {
    let opening = websocket::open(
        server.address(),
        &wanted.path,
        wanted.subprotocol.as_deref(),
        &wanted.headers,
        deadline,
    )
    .map_err(|error| format!("expected status {}, but {error}", expect.status))?;
    let (head, mut socket) = match opening {
        Opening::Refused(response) => return judge(expect, &response.head, &response.body),
        Opening::Open { head, socket } => (head, socket),
    };
    judge(expect, &head, &[])?;
    for message in &wanted.messages {
        websocket::echo(&mut socket, message).map_err(|error| error.to_string())?;
    }
    websocket::close(&mut socket).map_err(|error| error.to_string())
}

/// A response against what was expected: everything that is wrong with it.
fn judge(expect: &Expect, head: &ResponseHead, body: &[u8]) -> Result<(), String> {
    let mut wrong = Vec::new();
    if head.status != expect.status {
        wrong.push(format!("expected status {}, found {}", expect.status, head.status));
    }
    for (name, value) in &expect.headers {
        let found: Vec<&str> = head.fields.all(name).collect();
        if !found.contains(&value.as_str()) {
            wrong.push(format!("expected `{name}: {value}`, found {}", list(&found, name)));
        }
    }
    for name in &expect.absent_headers {
        if let Some(value) = head.fields.get(name) {
            wrong.push(format!("expected no `{name}`, found `{name}: {value}`"));
        }
    }
    if let Some(part) = &expect.body_contains {
        let text = String::from_utf8_lossy(body);
        if !text.contains(part.as_str()) {
            wrong.push(format!("expected a body with {part:?}, found {}", shortened(&text)));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

fn list(values: &[&str], name: &str) -> String {
    match values {
        [] => format!("no `{name}`"),
        values => values.iter().map(|value| format!("`{name}: {value}`")).collect::<Vec<_>>().join(" and "),
    }
}

fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    if text.chars().count() <= MOST {
        return format!("{text:?}");
    }
    format!(
        "{:?} and {} bytes more",
        text.chars().take(MOST).collect::<String>(),
        text.len().saturating_sub(MOST)
    )
}

/// The servers behind httpd.
struct Backends {
    values: BackendValues,
    _http: Backend,
    _websocket: Backend,
}

impl Backends {
    fn start(limit: Duration) -> Result<Self, Error> {
        let http = Backend::mirror(limit)?;
        let websocket = Backend::echo(limit)?;
        let values = BackendValues {
            http: http.address(),
            websocket: websocket.address(),
            // The lowest port belongs to a service (tcpmux) that no system has run for decades.
            closed: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
        };
        Ok(Backends { values, _http: http, _websocket: websocket })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::http::Fields;

    fn check(name: &str, config: &str, action: Action) -> Check {
        Check { name: name.to_owned(), site: Site { config: config.to_owned(), ..Site::default() }, action }
    }

    fn directive() -> Action {
        Action::Accepted { directive: "A".to_owned() }
    }

    fn request() -> Action {
        let request = Request {
            before: Vec::new(),
            method: "GET".to_owned(),
            path: "/".to_owned(),
            headers: Vec::new(),
            body: None,
        };
        let expect =
            Expect { status: 200, headers: Vec::new(), absent_headers: Vec::new(), body_contains: None };
        Action::Request { request, expect }
    }

    fn shape(checks: &[Check]) -> Vec<(usize, bool)> {
        groups(checks).iter().map(|group| (group.checks.len(), group.starts)).collect()
    }

    #[test]
    fn checks_with_one_configuration_share_an_httpd() {
        let checks = [check("a", "x", directive()), check("b", "y", request()), check("c", "x", request())];
        assert_eq!(shape(&checks), [(2, true), (1, true)]);
    }

    #[test]
    fn httpd_is_started_at_least_once() {
        assert_eq!(shape(&[]), [(0, true)]);
        assert_eq!(shape(&[check("a", "", directive())]), [(1, true)]);
        assert_eq!(shape(&[check("a", "x", directive())]), [(0, true), (1, false)]);
    }

    #[test]
    fn everything_that_is_wrong_is_said() {
        let fields = [("A", "1"), ("A", "2"), ("Server", "x")];
        let fields =
            Fields(fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect());
        let head = ResponseHead { status: 500, fields };
        let mut expect = Expect {
            status: 200,
            headers: vec![("a".to_owned(), "3".to_owned()), ("B".to_owned(), "4".to_owned())],
            absent_headers: vec!["server".to_owned()],
            body_contains: Some("yes".to_owned()),
        };
        assert_eq!(
            judge(&expect, &head, b"no").unwrap_err(),
            "expected status 200, found 500; expected `a: 3`, found `a: 1` and `a: 2`; expected `B: 4`, found no `B`; \
             expected no `server`, found `server: x`; expected a body with \"yes\", found \"no\""
        );
        expect = Expect { status: 500, headers: vec![("a".to_owned(), "2".to_owned())], ..expect };
        expect.absent_headers.clear();
        assert_eq!(judge(&expect, &head, b"oh yes"), Ok(()));
    }
}
