use miette::Diagnostic;

use super::Digest;
use crate::error::Kind;

/// Why a file could not be fetched. A url is shown without user and password.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
    /// Nothing that can be fetched from.
    #[error("`{url}` is no url to fetch from: {problem}")]
    #[diagnostic(
        code(modgraft::download::url),
        help("use https://, http://, file:/// or a path on this machine")
    )]
    Url {
        /// As written.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Nobody answers, or not to the end.
    #[error("{url} cannot be reached: {detail}")]
    #[diagnostic(
        code(modgraft::download::unreachable),
        help(
            "check the url, the network, and the proxy in https_proxy and no_proxy; what has come is kept, and the next run goes on with it"
        )
    )]
    Unreachable {
        /// The url.
        url: String,
        /// In the words of the network.
        detail: String,
    },
    /// The connection is not to be trusted.
    #[error("{url} has no certificate that this system trusts: {detail}")]
    #[diagnostic(
        code(modgraft::download::certificate),
        help(
            "install the authority's certificate on this system, or name a file with it in SSL_CERT_FILE; check the clock, too"
        )
    )]
    Certificate {
        /// The url.
        url: String,
        /// In the library's words.
        detail: String,
    },
    /// The server has no such file.
    #[error("{url} is not there{}", .status.map(|status| format!(": the server says {status}")).unwrap_or_default())]
    #[diagnostic(
        code(modgraft::download::missing),
        help("check the spelling; where it is right, the server's owner has removed the file or moved it")
    )]
    Missing {
        /// The url or path.
        url: String,
        /// 404 or 410, where it was a server.
        status: Option<u16>,
    },
    /// The server answers, but not with the file.
    #[error("{url}: the server says {status}{}", words(*.status))]
    #[diagnostic(
        code(modgraft::download::status),
        help("open the url in a browser: the server may want a login, or be out of order")
    )]
    Status {
        /// The url.
        url: String,
        /// As HTTP numbers them.
        status: u16,
    },
    /// The server leads elsewhere, and that place is not gone to.
    #[error("{url} leads elsewhere: {problem}")]
    #[diagnostic(
        code(modgraft::download::redirect),
        help("open the url in a browser, and name the place where it ends")
    )]
    Redirect {
        /// The url.
        url: String,
        /// What is wrong with where it leads.
        problem: String,
    },
    /// Neither a file nor a server.
    #[error("{path} is {what}, not a file")]
    #[diagnostic(code(modgraft::download::no_file), help("name a file"))]
    NoFile {
        /// The path.
        path: String,
        /// `a folder`.
        what: &'static str,
    },
    /// More than is taken.
    #[error("{url} has {} bytes, and {limit} are the most that is taken", .size.map_or_else(|| "more".to_owned(), |size| size.to_string()))]
    #[diagnostic(code(modgraft::download::too_large), help("{}", TOO_LARGE))]
    TooLarge {
        /// The url.
        url: String,
        /// As stated or announced; nothing where the server only went on sending.
        size: Option<u64>,
        /// Bytes.
        limit: u64,
    },
    /// Not as long as it has to be.
    #[error("{url} has {} bytes, and should have {expected}", .found.map_or_else(|| "more".to_owned(), |size| size.to_string()))]
    #[diagnostic(code(modgraft::download::size), help("{}", CHANGED))]
    Size {
        /// The url.
        url: String,
        /// Bytes.
        expected: u64,
        /// As announced or received; nothing where the server only went on sending.
        found: Option<u64>,
    },
    /// Not what it has to be.
    #[error("{url} is not the file that is wanted\n  expected {expected}\n  found    {found}")]
    #[diagnostic(code(modgraft::download::digest), help("{}", CHANGED))]
    Digest {
        /// The url.
        url: String,
        /// As stated.
        expected: Digest,
        /// Of what was received.
        found: Digest,
    },
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    #[diagnostic(code(modgraft::interrupted))]
    Interrupted,
}

const TOO_LARGE: &str = "nothing of it was kept; no file that is wanted here is that long: check the url";
const CHANGED: &str = "nothing of it was kept; the file was changed or damaged where it lies: try again later, or from another server";

/// What a status means, where a person may not know it.
fn words(status: u16) -> &'static str {
    match status {
        401 | 407 => " (a login is wanted)",
        403 => " (forbidden)",
        408 | 504 => " (out of time)",
        429 => " (too many requests)",
        500..=599 => " (it is out of order)",
        _ => "",
    }
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_)
            | Error::Unreachable { .. }
            | Error::Certificate { .. }
            | Error::Missing { .. }
            | Error::Status { .. }
            | Error::Redirect { .. } => Kind::Environment,
            Error::Url { .. } | Error::NoFile { .. } => Kind::Usage,
            Error::TooLarge { .. } | Error::Size { .. } | Error::Digest { .. } => Kind::Input,
            Error::Interrupted => Kind::Interrupted,
        }
    }
}
