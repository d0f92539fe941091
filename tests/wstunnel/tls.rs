//! TLS for the ends of a tunnel, with a certificate that was made for one test run.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use modgraft::check::stream::Stream;

use crate::support;

/// A self-signed certificate for 127.0.0.1 and its key, as PEM files.
#[derive(Debug)]
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Made by openssl, once in a test binary.
pub fn identity() -> &'static Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let folder = support::scratch("tls");
        let identity = Identity { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
        support::run(
            Command::new("openssl")
                .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
                .args(["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"])
                .args(["-addext", "basicConstraints=critical,CA:FALSE"])
                .arg("-keyout")
                .arg(&identity.key)
                .arg("-out")
                .arg(&identity.certificate),
        );
        identity
    })
}

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from_pem_file(&identity().certificate).unwrap()
}

/// The server's side.
pub fn server(stream: Stream) -> StreamOwned<ServerConnection, Stream> {
    let key = PrivateKeyDer::from_pem_file(&identity().key).unwrap();
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate()], key).unwrap();
    StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream)
}

/// The client's side, which trusts that certificate only.
pub fn client(stream: Stream) -> StreamOwned<ClientConnection, Stream> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
}
