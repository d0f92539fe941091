//! Proxies, as the environment names them, and plain http through them.
//!
//! ureq asks a proxy for a tunnel (`CONNECT`) for everything. Proxies commonly grant one to port 443 only, as squid does by
//! itself, and take plain http as a request with the whole url in it (RFC 9112, 3.2.2). So does this connector ask.

use std::fmt::Write as _;

use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, NextTimeout, TcpConnector, Transport,
};
use ureq::{Error, Proxy, ProxyProtocol};

/// The proxy for a url's scheme, by the variables that curl knows; `environment` gives a variable's value, if it has one. Socks proxies
/// are not taken.
pub(super) fn of(scheme: &str, environment: &dyn Fn(&str) -> Option<String>) -> Option<Proxy> {
    let any = |names: &[&str]| names.iter().find_map(|name| environment(name));
    let named = any(&match scheme {
        "https" => ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        _ => ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
    })?;
    let named = Proxy::new(&named).ok()?;
    if !matches!(named.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
        return None;
    }
    let mut proxy = Proxy::builder(named.protocol()).host(named.host()).port(named.port());
    if let Some(user) = named.username() {
        proxy = proxy.username(user).password(named.password().unwrap_or_default());
    }
    for entry in any(&["no_proxy", "NO_PROXY"]).unwrap_or_default().split(',').map(str::trim) {
        // What is beneath a name is meant, too.
        proxy = proxy.no_proxy(entry).no_proxy(&format!(".{}", entry.trim_start_matches(['.', '*'])));
    }
    proxy.build().ok()
}

/// Connects to the proxy of plain http.
#[derive(Debug, Default)]
pub(super) struct Forward(TcpConnector);

impl<In: Transport> Connector<In> for Forward {
    type Out = Either<In, Forwarded>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(chained) = chained {
            return Ok(Some(Either::A(chained)));
        }
        let plain = |uri: &ureq::http::Uri| uri.scheme_str() == Some("http");
        let Some(proxy) = details
            .config
            .proxy()
            .filter(|proxy| plain(details.uri) && plain(proxy.uri()) && !proxy.is_no_proxy(details.uri))
        else {
            return Ok(None);
        };
        let Some(authority) = details.uri.authority() else { return Ok(None) };
        let mut more = String::new();
        if let Some(user) = proxy.username() {
            let login = format!("{user}:{}", proxy.password().unwrap_or_default());
            let _ = write!(more, "Proxy-Authorization: Basic {}\r\n", base64(login.as_bytes()));
        }
        let to_proxy = ConnectionDetails {
            uri: proxy.uri(),
            addrs: details.resolver.resolve(proxy.uri(), details.config, details.timeout)?,
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        let inner = self.0.connect(&to_proxy, None::<()>)?;
        Ok(inner.map(|inner| {
            Either::B(Forwarded { inner: Box::new(inner), place: format!("http://{host}"), more })
        }))
    }
}

/// A connection to a proxy, on which requests name the whole url.
#[derive(Debug)]
pub(super) struct Forwarded {
    inner: Box<dyn Transport>,
    /// Scheme and server of the url.
    place: String,
    /// Header fields for the proxy.
    more: String,
}

impl Transport for Forwarded {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let output = self.inner.buffers().output();
        let mut amount = amount;
        // All requests are GETs without a body, so what begins so is the head of one.
        const METHOD: &[u8] = b"GET ";
        if output[..amount].starts_with(b"GET /") {
            amount = insert(output, amount, METHOD.len(), self.place.as_bytes())?;
            let line = memchr::memmem::find(&output[..amount], b"\r\n").map_or(amount, |end| end + 2);
            amount = insert(output, amount, line, self.more.as_bytes())?;
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }
}

/// Puts bytes into the first `amount` of a buffer; the new amount.
fn insert(buffer: &mut [u8], amount: usize, at: usize, bytes: &[u8]) -> Result<usize, Error> {
    let end = amount + bytes.len();
    if end > buffer.len() {
        return Err(Error::LargeResponseHeader(end, buffer.len()));
    }
    buffer.copy_within(at..amount, at + bytes.len());
    buffer[at..at + bytes.len()].copy_from_slice(bytes);
    Ok(end)
}

/// RFC 4648, 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let bits =
            three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        let letter = |index: usize| match index <= three.len() {
            true => char::from(LETTERS[(bits >> (18 - 6 * index) & 63) as usize]),
            false => '=',
        };
        [letter(0), letter(1), letter(2), letter(3)]
    };
    bytes.chunks(3).flat_map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(scheme: &str, variables: &[(&str, &str)]) -> Option<String> {
        let value = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        of(scheme, &value).map(|proxy| format!("{}:{}", proxy.host(), proxy.port()))
    }

    #[test]
    fn each_scheme_has_its_own_proxy() {
        let both = [("http_proxy", "http://a:1"), ("HTTPS_PROXY", "b:2"), ("ALL_PROXY", "http://c:3")];
        assert_eq!(proxy("http", &both).as_deref(), Some("a:1"));
        assert_eq!(proxy("https", &both).as_deref(), Some("b:2"));
        assert_eq!(proxy("https", &both[2..]).as_deref(), Some("c:3"));
        assert_eq!(proxy("https", &both[..1]), None);
        assert_eq!(proxy("http", &[("http_proxy", "socks5://a:1")]), None);
    }

    #[test]
    fn what_is_excepted_is_so_with_all_beneath() {
        let value = |name: &str| match name {
            "http_proxy" => Some("http://a:1".to_owned()),
            "no_proxy" => Some("localhost, example.org,.corp".to_owned()),
            _ => None,
        };
        let proxy = of("http", &value).unwrap();
        for (url, direct) in [
            ("http://localhost/", true),
            ("http://example.org/", true),
            ("http://vault.example.org/", true),
            ("http://x.corp/", true),
            ("http://notexample.org/", false),
        ] {
            assert_eq!(proxy.is_no_proxy(&url.parse().unwrap()), direct, "{url}");
        }
    }

    #[test]
    fn logins_are_encoded() {
        for (plain, encoded) in
            [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("me:secret", "bWU6c2VjcmV0")]
        {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }
}
