//! A Qdrant server or cluster as the vector store, for those who outgrow one machine.
//!
//! Each generation has a collection of its own, `{collection}-{generation}`, with one point for each
//! window of a chunk. A point carries its version, its place, and the number of its document's rule:
//! Qdrant can't take a set of millions of versions, so every query is filtered by the rules that
//! the reader passes. That filter is coarse. The caller drops what the clearance does not hold, and
//! the ledger decides about every hit.
//!
//! Vectors are compared by inner product in the very numbers that the embedded store compares (int8
//! with a scale, written out as `f32`; the question too), and always exactly: no graph is built. So
//! scores agree with the embedded store's to about 1e-5. Two limits remain: chunks whose scores tie
//! at the very end of a list may be cut differently, and promise 13 holds as far as Qdrant's own
//! sums do.
//!
//! Writes wait until they count and are tried again for a moment; then the caller goes on later from
//! the same place, which is harmless, because a window always becomes the same point. Questions are
//! not tried again: a search must not wait.
//!
//! Nothing here blocks a thread of the caller's async runtime beyond the call itself: requests run on
//! a small runtime of their own, so that this works from plain threads and from `spawn_blocking`.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::{
    CollectionInfo, Condition, CountPointsBuilder, CreateCollectionBuilder,
    CreateFieldIndexCollectionBuilder, DeletePointsBuilder, Distance, FieldType, Filter,
    HnswConfigDiffBuilder, PointStruct, PointsOperationResponse, QueryPoints, QueryPointsBuilder,
    ScoredPoint, SearchParamsBuilder, SetPayloadPointsBuilder, UpdateStatus, UpsertPointsBuilder,
    Value, VectorParamsBuilder, vectors_config::Config as VectorsConfig,
};
use qdrant_client::{Qdrant as Client, QdrantError};
use tokio::runtime::Runtime;
use tonic::Code;

use super::exact::{Quantized, best};
use crate::error::{Error, Result};
use crate::ledger::{Clearance, Place, StoredEmbedding};
use crate::search::Hit;
use crate::words::VersionNo;

/// Points that are sent at once.
const POINTS: usize = 256;
/// How long a question, or a look whether the server is there, may take in all.
const QUESTION_TIME: Duration = Duration::from_secs(2);
/// How long one write may take.
const WRITE_TIME: Duration = Duration::from_secs(10);
/// How often a write is tried, and the first pause between two tries; each next one is twice as long.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// For how long a collection that was found in order is taken to be so while all requests succeed,
/// and a server that was silent is not asked questions.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Points asked for per chunk that is wanted, since a chunk has several windows.
const POINTS_PER_CHUNK: usize = 3;
/// Points asked for at most.
const MOST_POINTS: usize = 50_000;
/// Up to so many versions, the filter names them too and so is as fine as the clearance.
const NAMED_VERSIONS: usize = 1_000;

/// Where the server is.
#[derive(Clone)]
pub struct QdrantSettings {
    /// Its gRPC address; `https` means TLS.
    pub url: String,
    /// Its key.
    pub api_key: Option<String>,
    /// The first part of the collections' names.
    pub collection: String,
}

impl fmt::Debug for QdrantSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, api_key, collection } = self;
        f.debug_struct("QdrantSettings")
            .field("url", url)
            .field("api_key", &api_key.as_ref().map(|_| "hidden"))
            .field("collection", collection)
            .finish()
    }
}

/// What [`Qdrant::look`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The server's version.
    pub version: String,
    /// The collections of this name, one for each generation, and about how many points they hold.
    pub collections: Vec<(String, u64)>,
}

/// A collection on a Qdrant server.
pub struct Qdrant {
    dimensions: usize,
    collection: String,
    client: Arc<Client>,
    /// `None` only while this is dropped.
    runtime: Option<Runtime>,
    state: Mutex<State>,
}

/// What is known of the server and the collection.
#[derive(Clone, Copy)]
enum State {
    /// Nothing, as after a request that failed.
    Unknown,
    /// The collection was found in order then, and no request has failed since.
    InOrder(Instant),
    /// A request was not answered in time then, and none was answered since.
    Silent(Instant),
}

/// Why a request was not answered as it should be. It holds nothing that is secret.
#[derive(Debug, thiserror::Error)]
#[error("Qdrant: {message} ({code:?})")]
struct Failure {
    code: Code,
    message: String,
}

impl Qdrant {
    /// Connects lazily; nothing is sent before the first use.
    ///
    /// # Errors
    /// The address or the key can't be one.
    pub fn new(settings: &QdrantSettings, generation: u32, dimensions: usize) -> Result<Self> {
        check_address(&settings.url)?;
        let key = settings.api_key.as_deref().unwrap_or_default();
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            // The client would repeat it in its error.
            return Err(anyhow::anyhow!(
                "Qdrant's API key has blanks or characters outside of ASCII; look at the variable \
                 that [vectors] api_key_env names"
            )
            .into());
        }
        let mut config = Client::from_url(&settings.url)
            .skip_compatibility_check()
            .timeout(WRITE_TIME)
            .connect_timeout(QUESTION_TIME);
        config.api_key.clone_from(&settings.api_key);
        config.set_pool_size(1);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("qdrant")
            .enable_all()
            .build()
            .context("the runtime of the Qdrant client can't be made")?;
        Ok(Self {
            dimensions,
            collection: format!("{}-{generation}", settings.collection),
            client: Arc::new(config.build().map_err(Failure::from)?),
            runtime: Some(runtime),
            state: Mutex::new(State::Unknown),
        })
    }

    /// Deletes the collection, for a generation that is dropped. One that is not there is no error.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn drop_collection(&self) -> Result<()> {
        self.set_state(State::Unknown);
        let (client, name) = (Arc::clone(&self.client), self.collection.clone());
        self.write(move || {
            let (client, name) = (Arc::clone(&client), name.clone());
            async move {
                if client.collection_exists(&name).await? {
                    client.delete_collection(&name).await?;
                }
                Ok(())
            }
        })
    }

    pub(crate) fn dimensions(&self) -> usize {
        self.dimensions
    }

    pub(crate) fn position_key(&self) -> String {
        position_key(&self.collection)
    }

    /// Whether the server answers, and knows the key.
    pub(crate) fn check(&self) -> Result<()> {
        let (client, name) = (Arc::clone(&self.client), self.collection.clone());
        self.run(QUESTION_TIME, async move { Ok(client.collection_exists(name).await?) })?;
        Ok(())
    }

    /// What there is on a server, for people: one question for each collection that is Vouch's.
    ///
    /// # Errors
    /// It can't be reached, or refuses the key.
    pub fn look(settings: &QdrantSettings) -> Result<Look> {
        let qdrant = Self::new(settings, 0, 0)?;
        let client = Arc::clone(&qdrant.client);
        let beginning = format!("{}-", settings.collection);
        Ok(qdrant.run(WRITE_TIME, async move {
            // The version alone is told to anybody; the list asks for the key.
            let version = client.health_check().await?.version;
            let mut collections = Vec::new();
            for about in client.list_collections().await?.collections {
                let number = about.name.strip_prefix(&beginning).map(str::parse::<u32>);
                if let Some(Ok(_)) = number {
                    let info = client.collection_info(&about.name).await?.result;
                    let points = info.and_then(|info| info.points_count).unwrap_or(0);
                    collections.push((about.name, points));
                }
            }
            Ok(Look { version, collections })
        })?)
    }

    /// How many points the collection holds, exactly.
    pub(crate) fn count(&self) -> Result<u64> {
        let request = CountPointsBuilder::new(&self.collection).exact(true);
        let client = Arc::clone(&self.client);
        let counted = self.run(WRITE_TIME, async move { Ok(client.count(request).await?.result) });
        // A count that is missing says nothing.
        Ok(counted?.map_or(u64::MAX, |counted| counted.count))
    }

    /// Makes the collection and its payload indexes where they are missing, and says how many points
    /// it holds. `None`: it was in order a moment ago.
    pub(crate) fn prepare(&self) -> Result<Option<u64>> {
        if matches!(self.state(), State::InOrder(seen) if seen.elapsed() < LOOK_AGAIN) {
            return Ok(None);
        }
        if matches!(self.state(), State::Silent(since) if since.elapsed() < LOOK_AGAIN) {
            // Somebody waited for it in vain; embedding must not wait each time, too.
            return Err(Failure::silent().into());
        }
        let (client, name) = (Arc::clone(&self.client), self.collection.clone());
        let size = self.dimensions;
        // Not tried again: whoever follows the ledger comes again by itself, and this is what it
        // asks first while the server is gone.
        let info = self.run(WRITE_TIME, async move {
            let info = match info(&client, &name).await? {
                Some(info) => info,
                None => create(&client, &name, size).await?,
            };
            for field in ["version", "rule"] {
                if !info.payload_schema.contains_key(field) {
                    let index =
                        CreateFieldIndexCollectionBuilder::new(&name, field, FieldType::Integer);
                    client.create_field_index(index.wait(true)).await?;
                }
            }
            Ok(info)
        })?;
        let there = vector_size(&info);
        if there != Some(self.dimensions as u64) {
            return Err(anyhow::anyhow!(
                "the Qdrant collection `{}` holds vectors of {} numbers and this generation's have \
                 {}; delete the collection, or set another [vectors] collection",
                self.collection,
                there.map_or_else(|| "named".to_owned(), |size| size.to_string()),
                self.dimensions
            )
            .into());
        }
        self.set_state(State::InOrder(Instant::now()));
        // A count that is missing says nothing; 1 stands for "not empty".
        Ok(Some(info.points_count.unwrap_or(1)))
    }

    /// Why a collection with points can't be used by a ledger that never wrote to it.
    pub(crate) fn not_ours(&self) -> Error {
        self.set_state(State::Unknown);
        anyhow::anyhow!(
            "the Qdrant collection `{}` was filled from another ledger; delete it, or set another \
             [vectors] collection",
            self.collection
        )
        .into()
    }

    /// Takes in the stored windows of chunks; a window that is there already becomes the same point
    /// again. Those of a version that no longer answers are left out.
    pub(crate) fn add(&self, stored: &[StoredEmbedding]) -> Result<()> {
        let points: Vec<PointStruct> = stored
            .iter()
            .filter_map(|embedding| Some((embedding, embedding.rule?)))
            .flat_map(|(embedding, rule)| points(embedding, rule, self.dimensions))
            .collect();
        for points in points.chunks(POINTS) {
            let request = UpsertPointsBuilder::new(&self.collection, points).wait(true).build();
            let client = Arc::clone(&self.client);
            self.write(move || {
                let (client, request) = (Arc::clone(&client), request.clone());
                async move { counts(&client.upsert_points(request).await?) }
            })?;
        }
        Ok(())
    }

    /// Forgets versions.
    pub(crate) fn remove(&self, versions: &[VersionNo]) -> Result<()> {
        let request = DeletePointsBuilder::new(&self.collection)
            .points(PointsSelectorOneOf::Filter(of_versions(versions)))
            .wait(true)
            .build();
        let client = Arc::clone(&self.client);
        self.write(move || {
            let (client, request) = (Arc::clone(&client), request.clone());
            async move { counts(&client.delete_points(request).await?) }
        })
    }

    /// Gives the points of versions another rule. No vector is sent.
    pub(crate) fn set_rule(&self, versions: &[VersionNo], rule: i64) -> Result<()> {
        let payload = HashMap::from([("rule".to_owned(), Value::from(rule))]);
        let request = SetPayloadPointsBuilder::new(&self.collection, payload)
            .points_selector(PointsSelectorOneOf::Filter(of_versions(versions)))
            .wait(true)
            .build();
        let client = Arc::clone(&self.client);
        self.write(move || {
            let (client, request) = (Arc::clone(&client), request.clone());
            async move { counts(&client.set_payload(request).await?) }
        })
    }

    /// The chunks that the clearance holds nearest to a question, each by its best window.
    ///
    /// Points come best first, so the first one of a chunk is its best window. More are asked for
    /// until there are enough chunks: a chunk may have many windows, and the coarse filter may let
    /// through versions that the clearance does not hold.
    pub(crate) fn nearest(
        &self,
        clearance: &Clearance,
        question: &[f32],
        limit: usize,
    ) -> Result<Vec<Hit>> {
        if clearance.is_empty() || clearance.visible().rules.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        if matches!(self.state(), State::Silent(since) if since.elapsed() < LOOK_AGAIN) {
            // One question waited for it in vain; the next ones need not.
            return Err(Failure::silent().into());
        }
        let until = Instant::now() + QUESTION_TIME;
        let question = Quantized::from_vector(question).to_vector();
        let mut points = limit.saturating_mul(POINTS_PER_CHUNK).min(MOST_POINTS);
        loop {
            let query = self.query(coarse_filter(clearance), &question, points);
            let client = Arc::clone(&self.client);
            let left = until.saturating_duration_since(Instant::now());
            let found = self.run(left, async move { Ok(client.query(query).await?.result) })?;
            let all = found.len() < points || points == MOST_POINTS;
            let hits = best_windows(&found, clearance);
            if all || hits.len() >= limit {
                return Ok(best(hits, limit));
            }
            points = (points * 4).min(MOST_POINTS);
        }
    }

    /// One exact query; the filter stands on its only part.
    fn query(&self, filter: Filter, question: &[f32], points: usize) -> QueryPoints {
        QueryPointsBuilder::new(&self.collection)
            .query(question.to_vec())
            .filter(filter)
            .params(SearchParamsBuilder::default().exact(true))
            .limit(points as u64)
            .with_payload(true)
            .timeout(QUESTION_TIME.as_secs())
            .build()
    }

    /// Sends a write until it counts, for a moment.
    fn write<T, F>(&self, request: impl Fn() -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.run(WRITE_TIME, request()) {
                Err(failure) if failure.may_pass() => {
                    tracing::debug!(%failure, "Qdrant is tried again");
                    std::thread::sleep(pause);
                    pause *= 2;
                }
                done => return Ok(done?),
            }
        }
        Ok(self.run(WRITE_TIME, request())?)
    }

    /// Runs one request on this store's own runtime and waits for it, for so long.
    fn run<T, F>(&self, limit: Duration, request: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let (send, receive) = sync_channel(1);
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move {
                let done = tokio::time::timeout(limit, request).await;
                // Nobody waits only where the caller was torn down.
                drop(send.send(done));
            });
        }
        let done = match receive.recv() {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(Failure::silent()),
            Err(_) => {
                Err(Failure { code: Code::Unknown, message: "the request was given up".to_owned() })
            }
        };
        match (&done, self.state()) {
            (Ok(_), State::Unknown | State::InOrder(_)) => {}
            (Ok(_), State::Silent(_)) => self.set_state(State::Unknown),
            (Err(failure), _) if failure.code == Code::DeadlineExceeded => {
                self.set_state(State::Silent(Instant::now()));
            }
            (Err(_), _) => self.set_state(State::Unknown),
        }
        done
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_state(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

impl Drop for Qdrant {
    fn drop(&mut self) {
        // Dropping a runtime waits for it, which tokio refuses on an async thread.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Failure {
    fn silent() -> Self {
        Self { code: Code::DeadlineExceeded, message: "it did not answer in time".to_owned() }
    }

    /// Whether the same request may succeed a moment later. The client says `Internal` for a server
    /// that can't be reached and `Cancelled` for one that did not answer in time.
    fn may_pass(&self) -> bool {
        matches!(
            self.code,
            Code::Unavailable
                | Code::DeadlineExceeded
                | Code::ResourceExhausted
                | Code::Internal
                | Code::Cancelled
                | Code::Aborted
                | Code::Unknown
        )
    }
}

impl From<QdrantError> for Failure {
    fn from(error: QdrantError) -> Self {
        if let QdrantError::ResponseError { status }
        | QdrantError::ResourceExhaustedError { status, .. } = &error
        {
            return Self { code: status.code(), message: status.message().to_owned() };
        }
        Self { code: Code::InvalidArgument, message: error.to_string() }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Other(failure.into())
    }
}

/// Under which the ledger remembers a collection and how far it is filled.
pub(super) fn position_key(collection: &str) -> String {
    format!("qdrant:{collection}")
}

/// Refuses addresses that the client would only refuse later, and those that hold a password, which
/// would end up in error texts.
fn check_address(url: &str) -> Result<()> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match rest {
        None => Err(anyhow::anyhow!(
            "Qdrant's address begins with http:// or https://, such as http://localhost:6334"
        )
        .into()),
        Some(rest) if rest.contains('@') => Err(anyhow::anyhow!(
            "Qdrant's address holds a name or password; put the key into the variable that \
             [vectors] api_key_env names"
        )
        .into()),
        Some(_) => Ok(()),
    }
}

async fn info(client: &Client, name: &str) -> Result<Option<CollectionInfo>, Failure> {
    if !client.collection_exists(name).await? {
        return Ok(None);
    }
    Ok(client.collection_info(name).await?.result)
}

/// Makes a collection; where somebody else was faster, theirs is as good.
async fn create(client: &Client, name: &str, size: usize) -> Result<CollectionInfo, Failure> {
    // Every query is exact, so a graph would only cost time and memory.
    let no_graph = HnswConfigDiffBuilder::default().m(0);
    let request = CreateCollectionBuilder::new(name)
        .vectors_config(VectorParamsBuilder::new(size as u64, Distance::Dot))
        .hnsw_config(no_graph);
    let created = client.create_collection(request).await;
    match (info(client, name).await?, created) {
        (Some(info), _) => Ok(info),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(_)) => Err(Failure {
            code: Code::Unavailable,
            message: format!("the collection `{name}` was made and is not there yet"),
        }),
    }
}

fn vector_size(info: &CollectionInfo) -> Option<u64> {
    let params = info.config.as_ref()?.params.as_ref()?;
    match params.vectors_config.as_ref()?.config.as_ref()? {
        VectorsConfig::Params(params) => Some(params.size),
        VectorsConfig::ParamsMap(_) => None,
    }
}

/// Whether a write counts already, as it was asked to.
fn counts(response: &PointsOperationResponse) -> Result<(), Failure> {
    let status = response.result.as_ref().map(|result| result.status());
    if status == Some(UpdateStatus::Completed) {
        return Ok(());
    }
    Err(Failure {
        code: Code::DeadlineExceeded,
        message: "a write was taken but does not count yet".to_owned(),
    })
}

fn of_versions(versions: &[VersionNo]) -> Filter {
    let numbers: Vec<i64> = versions.iter().map(|version| i64::from(version.0)).collect();
    Filter::must([Condition::matches("version", numbers)])
}

/// What every part of every query is filtered by.
fn coarse_filter(clearance: &Clearance) -> Filter {
    let visible = clearance.visible();
    let mut must = vec![Condition::matches("rule", visible.rules.clone())];
    if clearance.len() <= NAMED_VERSIONS {
        let versions: Vec<i64> = visible.versions.ones().map(|no| no as i64).collect();
        must.push(Condition::matches("version", versions));
    }
    Filter::must(must)
}

/// The points of one chunk's windows.
fn points(
    embedding: &StoredEmbedding,
    rule: i64,
    dimensions: usize,
) -> impl Iterator<Item = PointStruct> + '_ {
    let place = embedding.place;
    let windows = embedding.windows.chunks_exact(4 + dimensions);
    (0u32..).zip(windows).map(move |(window, bytes)| {
        let payload: HashMap<String, Value> = HashMap::from([
            ("version".to_owned(), i64::from(place.version.0).into()),
            ("place".to_owned(), i64::from(place.chunk).into()),
            ("rule".to_owned(), rule.into()),
            // Qdrant's integers are signed; the bits are the same.
            ("stable".to_owned(), embedding.stable.cast_signed().into()),
        ]);
        let vector = Quantized::from_bytes(bytes).to_vector();
        PointStruct::new(point_id(place, window), vector, payload)
    })
}

/// The same window always becomes the same point: its three numbers, written as a UUID.
fn point_id(place: Place, window: u32) -> String {
    let Place { version, chunk } = place;
    format!("{:08x}-{:04x}-{:04x}-0000-{window:012x}", version.0, chunk >> 16, chunk & 0xffff)
}

/// Each chunk that the clearance holds with its best window. A point that is not one of ours is no
/// hit.
fn best_windows(points: &[ScoredPoint], clearance: &Clearance) -> Vec<Hit> {
    let mut chunks: HashMap<Place, Hit> = HashMap::new();
    for hit in points.iter().filter_map(hit) {
        if clearance.holds(hit.place.version) {
            let kept = chunks.entry(hit.place).or_insert(hit);
            kept.score = kept.score.max(hit.score);
        }
    }
    chunks.into_values().collect()
}

fn hit(point: &ScoredPoint) -> Option<Hit> {
    let number = |key: &str| match point.payload.get(key)?.kind.as_ref()? {
        Kind::IntegerValue(number) => Some(*number),
        Kind::NullValue(_)
        | Kind::DoubleValue(_)
        | Kind::StringValue(_)
        | Kind::BoolValue(_)
        | Kind::StructValue(_)
        | Kind::ListValue(_) => None,
    };
    Some(Hit {
        place: Place {
            version: VersionNo(u32::try_from(number("version")?).ok()?),
            chunk: u32::try_from(number("place")?).ok()?,
        },
        stable: number("stable")?.cast_unsigned(),
        score: point.score,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str, key: Option<&str>) -> QdrantSettings {
        QdrantSettings {
            url: url.to_owned(),
            api_key: key.map(str::to_owned),
            collection: "vouch".to_owned(),
        }
    }

    #[test]
    fn a_window_has_one_id_of_its_own() {
        let id = |version, chunk, window| {
            let version = VersionNo(version);
            point_id(Place { version, chunk }, window)
        };
        assert_eq!(id(7, 70_000, 3), "00000007-0001-1170-0000-000000000003");
        assert_ne!(id(1, 2, 3), id(1, 3, 2));
    }

    #[test]
    fn no_error_and_no_debug_text_repeats_a_secret() {
        for (url, key) in [
            ("http://localhost:6334", Some("top secret")),
            ("http://ann:topsecret@localhost:6334", None),
            ("localhost:6334", Some("topsecret")),
        ] {
            let settings = settings(url, key);
            let error = Qdrant::new(&settings, 1, 8).err().unwrap().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        let shown = format!("{:?}", settings("http://localhost:6334", Some("topsecret")));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
