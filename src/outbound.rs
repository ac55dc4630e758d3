//! How the server calls other servers: the identity provider, language models, Slack.
//!
//! Each is called at the address that is configured and nowhere else, so redirects are not followed;
//! and none can fill the memory with its answer.

use anyhow::{Result, bail};
use reqwest::{ClientBuilder, Response, Url};

/// The beginning of a client for this address; how patient it is, its caller says.
pub(crate) fn client(url: &Url) -> ClientBuilder {
    // Two providers may be linked in; without a choice rustls panics at the first connection.
    let _already_chosen = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .user_agent(concat!("vouch/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none());
    if url.scheme() == "http" {
        // No certificate is looked at, and no proxy of the outside world is needed.
        return http.tls_certs_only([]).no_proxy();
    }
    http
}

/// The bytes of an answer, and an error in place of too many of them.
pub(crate) async fn bytes(mut response: Response, most: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > most {
            bail!("the answer is longer than {most} bytes");
        }
    }
    Ok(bytes)
}
