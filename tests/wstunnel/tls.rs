//! TLS for the ends of a tunnel.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection, StreamOwned};

use modgraft::check::stream::Stream;

pub use crate::support::tls::identity;
use crate::support::tls::{certificate, server_config};

/// The server's side.
pub fn server(stream: Stream) -> StreamOwned<ServerConnection, Stream> {
    StreamOwned::new(ServerConnection::new(server_config()).unwrap(), stream)
}

/// The client's side, which trusts that certificate only.
pub fn client(stream: Stream) -> StreamOwned<ClientConnection, Stream> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
}
