//! One request to a server, and what its answer means.

use std::io::Read;

use ureq::http::{HeaderMap, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, RustlsConnector, TcpConnector};
use ureq::{Agent, Body, ResponseExt};

use super::proxy::{self, Forward};
use super::{Error, Settings};
use crate::address::shown;
use crate::environment;

/// How many redirections are followed.
const REDIRECTIONS: u32 = 8;

/// Connections that are kept between files.
pub(super) struct Client(Agent);

/// Why a try failed.
pub(super) enum Failure {
    /// Trying again would not help.
    Final(Error),
    /// It may.
    Passing(Error),
    /// What is here is not a beginning of what the server has: from the start again.
    Anew,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Final(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::Final(error.into())
    }
}

/// An answer that has the file, or the rest of it.
pub(super) struct Answer {
    /// Where its bytes begin in the file.
    pub offset: u64,
    /// The whole file's length, where the server says it. Bytes.
    pub total: Option<u64>,
    /// Names this very content, for a later request; only strong ones, which tell every byte.
    pub etag: Option<String>,
    body: Body,
    url: String,
}

impl Client {
    pub fn new(settings: &Settings) -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(REDIRECTIONS)
            .max_idle_connections_per_host(settings.threads)
            .timeout_resolve(Some(settings.connect))
            .timeout_connect(Some(settings.connect))
            .timeout_send_request(Some(settings.idle))
            .timeout_recv_response(Some(settings.idle))
            .timeout_per_read(Some(settings.idle))
            .user_agent(concat!("modgraft/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .proxy(None)
            .build();
        let connector =
            ().chain(Forward::default())
                .chain(ConnectProxyConnector::default())
                .chain(TcpConnector::default())
                .chain(RustlsConnector::default());
        Client(Agent::with_parts(config, connector, DefaultResolver::default()))
    }

    /// Ends what is under way in other threads.
    pub fn shut_down(&self) {
        self.0.clone().shutdown();
    }

    /// Asks for the file from `offset` on. `etag` is of the answer that what is here came with; `guarded` says whether the
    /// digest will tell a wrong file.
    pub fn get(&self, url: &str, offset: u64, etag: Option<&str>, guarded: bool) -> Result<Answer, Failure> {
        let scheme = url.split("://").next().unwrap_or_default().to_ascii_lowercase();
        let proxy = proxy::of(&scheme, &environment::text);
        let request = self.0.get(url).config().proxy(proxy).build();
        let mut request = request.header(header::ACCEPT_ENCODING, "identity");
        if offset > 0 {
            request = request.header(header::RANGE, format!("bytes={offset}-"));
            if let Some(etag) = etag {
                request = request.header(header::IF_RANGE, etag);
            }
        }
        let response = request.call().map_err(|error| failure(url, error))?;
        let (parts, body) = {
            let end = response.get_uri().clone();
            if scheme == "https" && end.scheme_str() != Some("https") && !guarded {
                let problem = "from https to http, where anybody on the way could change the file".to_owned();
                return Err(Error::Redirect { url: shown(url), problem }.into());
            }
            response.into_parts()
        };
        let length = number(&parts.headers, header::CONTENT_LENGTH);
        let (offset, total) = match parts.status.as_u16() {
            200 => (0, length),
            206 => match range(&parts.headers) {
                Some((start, total)) if start == offset => (start, total),
                _ => return Err(Failure::Anew),
            },
            416 if offset > 0 => return Err(Failure::Anew),
            status @ (404 | 410) => {
                return Err(Error::Missing { url: shown(url), status: Some(status) }.into());
            }
            status @ (408 | 429 | 500 | 502 | 503 | 504) => {
                return Err(Failure::Passing(Error::Status { url: shown(url), status }));
            }
            status => return Err(Error::Status { url: shown(url), status }.into()),
        };
        let etag = parts.headers.get(header::ETAG).and_then(|etag| etag.to_str().ok());
        let etag = etag.filter(|etag| etag.starts_with('"')).map(str::to_owned);
        Ok(Answer { offset, total, etag, body, url: url.to_owned() })
    }
}

impl Answer {
    /// The next bytes; none at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        self.body.as_reader().read(buffer).map_err(|error| {
            let detail = format!("the connection was lost: {}", one_line(&error));
            Failure::Passing(Error::Unreachable { url: shown(&self.url), detail })
        })
    }
}

fn number(headers: &HeaderMap, name: header::HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Start and total of `bytes 100-199/200`; the total may be `*`.
fn range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

fn failure(url: &str, error: ureq::Error) -> Failure {
    let url = shown(url);
    let unreachable = |detail: String| Error::Unreachable { url: url.clone(), detail };
    match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            let problem = "it is malformed, or leads to what is neither http nor https";
            Error::Url { url, problem }.into()
        }
        ureq::Error::TooManyRedirects => {
            Error::Redirect { url, problem: format!("more than {REDIRECTIONS} times in a row") }.into()
        }
        ureq::Error::RedirectFailed => {
            Error::Redirect { url, problem: "it does not say where to".to_owned() }.into()
        }
        ureq::Error::Rustls(error) => Error::Certificate { url, detail: one_line(&error) }.into(),
        ureq::Error::HostNotFound => unreachable("there is no server of that name".to_owned()).into(),
        // What a handshake fails for comes as an error of input.
        ureq::Error::Io(error) if error.to_string().contains("certificate") => {
            Error::Certificate { url, detail: one_line(&error) }.into()
        }
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            unreachable("the server refuses the connection".to_owned()).into()
        }
        ureq::Error::Timeout(_) => {
            Failure::Passing(unreachable("the server does not answer in time".to_owned()))
        }
        other => Failure::Passing(unreachable(one_line(&other))),
    }
}

fn one_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_RANGE, text.parse().unwrap());
            range(&headers)
        };
        assert_eq!(of("bytes 100-199/200"), Some((100, Some(200))));
        assert_eq!(of("bytes 100-199/*"), Some((100, None)));
        for wrong in ["", "bytes", "bytes */200", "items 1-2/3", "bytes x-2/3"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
