//! A small Qdrant in this process: the gRPC services that `qdrant-client` ships, over loopback TCP.
//!
//! It does what Vouch asks of a Qdrant (collections, payload indexes, points with integer payloads,
//! filters, exact queries) by the real server's rules, writes down what it was asked, and misbehaves
//! on demand. Every other call is refused as not implemented.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use qdrant_client::qdrant::collections_server::{Collections, CollectionsServer};
use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::points_server::{Points, PointsServer};
use qdrant_client::qdrant::qdrant_server::{Qdrant, QdrantServer};
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::vectors::VectorsOptions;
use qdrant_client::qdrant::{self as api, query, vector, vector_input, vectors_config};
use tokio::runtime::Runtime;
use tonic::{Request, Response, Status};

/// How the server feels.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mood {
    Well,
    /// Answers that it is not available.
    Unavailable,
    /// Takes requests and never answers.
    Silent,
}

/// A running server.
pub(crate) struct FakeQdrant {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

/// What the server holds and what it was asked.
pub(crate) struct State {
    pub(crate) mood: Mood,
    /// So many of the next requests fail.
    pub(crate) fail: usize,
    /// Takes in no point.
    pub(crate) full: bool,
    /// The key that requests must carry.
    pub(crate) key: Option<String>,
    pub(crate) collections: BTreeMap<String, Collection>,
    pub(crate) queries: Vec<api::QueryPoints>,
    /// How many points each upsert brought.
    pub(crate) upserts: Vec<usize>,
}

pub(crate) struct Collection {
    pub(crate) config: api::VectorParams,
    pub(crate) indexes: BTreeSet<String>,
    pub(crate) points: BTreeMap<String, Point>,
}

pub(crate) struct Point {
    pub(crate) payload: HashMap<String, api::Value>,
    vector: Vec<f32>,
}

impl FakeQdrant {
    pub(crate) fn start() -> Self {
        let mut server = Self {
            state: Arc::new(Mutex::new(State {
                mood: Mood::Well,
                fail: 0,
                full: false,
                key: None,
                collections: BTreeMap::new(),
                queries: Vec::new(),
                upserts: Vec::new(),
            })),
            address: "127.0.0.1:0".parse().unwrap(),
            runtime: None,
        };
        server.restart();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it holds and was asked, to look at and to change.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// How many points it holds in all.
    pub(crate) fn points(&self) -> usize {
        let state = self.state();
        state.collections.values().map(|it| it.points.len()).sum()
    }

    /// Goes away: open connections break, new ones are refused.
    pub(crate) fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }

    /// Comes back at the same address with what it held.
    pub(crate) fn restart(&mut self) {
        self.stop();
        let runtime = Runtime::new().unwrap();
        let service = Service(Arc::clone(&self.state));
        let listener = runtime.block_on(tokio::net::TcpListener::bind(self.address)).unwrap();
        self.address = listener.local_addr().unwrap();
        runtime.spawn(
            tonic::transport::Server::builder()
                .add_service(CollectionsServer::new(service.clone()))
                .add_service(PointsServer::new(service.clone()))
                .add_service(QdrantServer::new(service))
                .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener)),
        );
        self.runtime = Some(runtime);
    }
}

impl Drop for FakeQdrant {
    fn drop(&mut self) {
        self.stop();
    }
}

#[derive(Clone)]
struct Service(Arc<Mutex<State>>);

type Answer<T> = Result<Response<T>, Status>;

impl Service {
    /// Answers one request in the server's present mood.
    async fn answer<Q, T>(
        &self,
        request: Request<Q>,
        work: impl FnOnce(&mut State, Q) -> Result<T, Status>,
    ) -> Answer<T> {
        let silent = self.0.lock().unwrap().mood == Mood::Silent;
        if silent {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        let mut state = self.0.lock().unwrap();
        let key = request.metadata().get("api-key");
        if state.key.as_deref().map(str::as_bytes) != key.map(|key| key.as_bytes()) {
            return Err(Status::unauthenticated("Invalid API key or JWT"));
        }
        if state.mood != Mood::Well {
            return Err(Status::unavailable("out of order"));
        }
        if state.fail > 0 {
            state.fail -= 1;
            return Err(Status::unavailable("try again"));
        }
        work(&mut state, request.into_inner()).map(Response::new)
    }
}

impl State {
    fn collection(&mut self, name: &str) -> Result<&mut Collection, Status> {
        self.collections.get_mut(name).ok_or_else(|| {
            Status::not_found(format!("Not found: Collection `{name}` doesn't exist!"))
        })
    }
}

impl Collection {
    fn select(&mut self, selector: Option<api::PointsSelector>) -> Result<Vec<String>, Status> {
        let Some(PointsSelectorOneOf::Filter(filter)) =
            selector.and_then(|selector| selector.points_selector_one_of)
        else {
            return Err(Status::unimplemented("only filters select points here"));
        };
        let mut ids = Vec::new();
        for (id, point) in &self.points {
            if passes(&filter, &point.payload)? {
                ids.push(id.clone());
            }
        }
        Ok(ids)
    }

    fn info(&self) -> api::CollectionInfo {
        let params = api::CollectionParams {
            vectors_config: Some(api::VectorsConfig {
                config: Some(vectors_config::Config::Params(self.config)),
            }),
            ..Default::default()
        };
        let schema = |field: &String| (field.clone(), api::PayloadSchemaInfo::default());
        api::CollectionInfo {
            config: Some(api::CollectionConfig { params: Some(params), ..Default::default() }),
            payload_schema: self.indexes.iter().map(schema).collect(),
            points_count: Some(self.points.len() as u64),
            ..Default::default()
        }
    }
}

/// Qdrant's filters: all of `must`, any of `should`, none of `must_not`.
fn passes(filter: &api::Filter, payload: &HashMap<String, api::Value>) -> Result<bool, Status> {
    let holds = |conditions: &[api::Condition]| -> Result<Vec<bool>, Status> {
        conditions.iter().map(|it| matches(it, payload)).collect()
    };
    let should = holds(&filter.should)?;
    Ok(holds(&filter.must)?.into_iter().all(|it| it)
        && (should.is_empty() || should.into_iter().any(|it| it))
        && !holds(&filter.must_not)?.into_iter().any(|it| it))
}

fn matches(
    condition: &api::Condition,
    payload: &HashMap<String, api::Value>,
) -> Result<bool, Status> {
    match condition.condition_one_of.as_ref() {
        Some(ConditionOneOf::Filter(filter)) => passes(filter, payload),
        Some(ConditionOneOf::Field(field)) => {
            let there = integer(payload, &field.key);
            let wanted = field.r#match.as_ref().and_then(|it| it.match_value.as_ref());
            match wanted {
                Some(MatchValue::Integer(wanted)) => Ok(there == Some(*wanted)),
                Some(MatchValue::Integers(any)) => {
                    Ok(there.is_some_and(|there| any.integers.contains(&there)))
                }
                _ => Err(Status::unimplemented("only integers are matched here")),
            }
        }
        _ => Err(Status::unimplemented("a condition that is not known here")),
    }
}

pub(crate) fn integer(payload: &HashMap<String, api::Value>, key: &str) -> Option<i64> {
    let Kind::IntegerValue(number) = payload.get(key)?.kind.as_ref()? else {
        return None;
    };
    Some(*number)
}

fn completed() -> api::PointsOperationResponse {
    api::PointsOperationResponse {
        result: Some(api::UpdateResult {
            operation_id: Some(0),
            status: api::UpdateStatus::Completed.into(),
        }),
        ..Default::default()
    }
}

fn dense(vector: Option<vector::Vector>) -> Result<Vec<f32>, Status> {
    match vector {
        Some(vector::Vector::Dense(dense)) => Ok(dense.data),
        _ => Err(Status::unimplemented("only dense vectors are known here")),
    }
}

fn point(point: api::PointStruct, size: u64) -> Result<(String, Point), Status> {
    let id = match point.id.and_then(|id| id.point_id_options) {
        Some(PointIdOptions::Uuid(id)) if is_uuid(&id) => id,
        other => return Err(Status::invalid_argument(format!("the id {other:?}"))),
    };
    let vector = match point.vectors.and_then(|it| it.vectors_options) {
        Some(VectorsOptions::Vector(vector)) => dense(vector.vector)?,
        _ => return Err(Status::unimplemented("named vectors")),
    };
    if vector.len() as u64 != size {
        let (got, message) = (vector.len(), "Wrong input: Vector dimension error");
        return Err(Status::invalid_argument(format!(
            "{message}: expected dim: {size}, got {got}"
        )));
    }
    let payload = point.payload;
    Ok((id, Point { payload, vector }))
}

fn is_uuid(id: &str) -> bool {
    let parts: Vec<usize> = id.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && id.chars().all(|it| it == '-' || it.is_ascii_hexdigit())
}

fn exact_query(state: &mut State, asked: api::QueryPoints) -> Result<api::QueryResponse, Status> {
    state.queries.push(asked.clone());
    let collection = state.collection(&asked.collection_name)?;
    let question = match asked.query.and_then(|query| query.variant) {
        Some(query::Variant::Nearest(input)) => match input.variant {
            Some(vector_input::Variant::Dense(dense)) => dense.data,
            _ => return Err(Status::unimplemented("only dense questions")),
        },
        _ => return Err(Status::unimplemented("only nearest")),
    };
    let filter = asked.filter.unwrap_or_default();
    let mut result = Vec::new();
    for (id, point) in &collection.points {
        if passes(&filter, &point.payload)? {
            let products = point.vector.iter().zip(&question).map(|(a, b)| a * b);
            result.push(api::ScoredPoint {
                id: Some(id.as_str().into()),
                payload: point.payload.clone(),
                score: products.sum(),
                ..Default::default()
            });
        }
    }
    result.sort_by(|a, b| b.score.total_cmp(&a.score));
    result.truncate(usize::try_from(asked.limit.unwrap_or(10)).unwrap());
    Ok(api::QueryResponse { result, ..Default::default() })
}

/// Implements a service trait: the calls that are written out, and a refusal for all others.
macro_rules! service {
    (impl $service:ident { $($known:tt)* } refuse { $($call:ident: $request:ident -> $response:ident;)* }) => {
        #[tonic::async_trait]
        impl $service for Service {
            $($known)*
            $(
                async fn $call(&self, _: Request<api::$request>) -> Answer<api::$response> {
                    Err(Status::unimplemented(stringify!($call)))
                }
            )*
        }
    };
}

service! {
    impl Collections {
        async fn get(
            &self,
            request: Request<api::GetCollectionInfoRequest>,
        ) -> Answer<api::GetCollectionInfoResponse> {
            self.answer(request, |state, asked| {
                let info = state.collection(&asked.collection_name)?.info();
                Ok(api::GetCollectionInfoResponse { result: Some(info), time: 0.0 })
            })
            .await
        }

        async fn create(
            &self,
            request: Request<api::CreateCollection>,
        ) -> Answer<api::CollectionOperationResponse> {
            self.answer(request, |state, asked| {
                let name = asked.collection_name;
                let config = asked.vectors_config.and_then(|it| it.config);
                let Some(vectors_config::Config::Params(config)) = config else {
                    return Err(Status::unimplemented("named vectors"));
                };
                if config.distance != api::Distance::Dot as i32 {
                    return Err(Status::unimplemented("only inner products are known here"));
                }
                if state.collections.contains_key(&name) {
                    let message = format!("Wrong input: Collection `{name}` already exists!");
                    return Err(Status::already_exists(message));
                }
                let (indexes, points) = (BTreeSet::new(), BTreeMap::new());
                state.collections.insert(name, Collection { config, indexes, points });
                Ok(api::CollectionOperationResponse { result: true, time: 0.0 })
            })
            .await
        }

        async fn delete(
            &self,
            request: Request<api::DeleteCollection>,
        ) -> Answer<api::CollectionOperationResponse> {
            self.answer(request, |state, asked| {
                let result = state.collections.remove(&asked.collection_name).is_some();
                Ok(api::CollectionOperationResponse { result, time: 0.0 })
            })
            .await
        }

        async fn list(
            &self,
            request: Request<api::ListCollectionsRequest>,
        ) -> Answer<api::ListCollectionsResponse> {
            self.answer(request, |state, _| {
                let about = |name: &String| api::CollectionDescription { name: name.clone() };
                let collections = state.collections.keys().map(about).collect();
                Ok(api::ListCollectionsResponse { collections, time: 0.0 })
            })
            .await
        }

        async fn collection_exists(
            &self,
            request: Request<api::CollectionExistsRequest>,
        ) -> Answer<api::CollectionExistsResponse> {
            self.answer(request, |state, asked| {
                let exists = state.collections.contains_key(&asked.collection_name);
                let result = Some(api::CollectionExists { exists });
                Ok(api::CollectionExistsResponse { result, time: 0.0 })
            })
            .await
        }
    }
    refuse {
        update: UpdateCollection -> CollectionOperationResponse;
        update_aliases: ChangeAliases -> CollectionOperationResponse;
        list_collection_aliases: ListCollectionAliasesRequest -> ListAliasesResponse;
        list_aliases: ListAliasesRequest -> ListAliasesResponse;
        collection_cluster_info: CollectionClusterInfoRequest -> CollectionClusterInfoResponse;
        update_collection_cluster_setup: UpdateCollectionClusterSetupRequest -> UpdateCollectionClusterSetupResponse;
        create_shard_key: CreateShardKeyRequest -> CreateShardKeyResponse;
        delete_shard_key: DeleteShardKeyRequest -> DeleteShardKeyResponse;
        list_shard_keys: ListShardKeysRequest -> ListShardKeysResponse;
    }
}

service! {
    impl Points {
        async fn upsert(
            &self,
            request: Request<api::UpsertPoints>,
        ) -> Answer<api::PointsOperationResponse> {
            self.answer(request, |state, asked| {
                if state.full {
                    return Err(Status::invalid_argument("no space is left"));
                }
                let collection = state.collection(&asked.collection_name)?;
                let (size, brought) = (collection.config.size, asked.points.len());
                let points: BTreeMap<String, Point> =
                    asked.points.into_iter().map(|it| point(it, size)).collect::<Result<_, _>>()?;
                collection.points.extend(points);
                state.upserts.push(brought);
                Ok(completed())
            })
            .await
        }

        async fn delete(
            &self,
            request: Request<api::DeletePoints>,
        ) -> Answer<api::PointsOperationResponse> {
            self.answer(request, |state, asked| {
                let collection = state.collection(&asked.collection_name)?;
                for id in collection.select(asked.points)? {
                    collection.points.remove(&id);
                }
                Ok(completed())
            })
            .await
        }

        async fn set_payload(
            &self,
            request: Request<api::SetPayloadPoints>,
        ) -> Answer<api::PointsOperationResponse> {
            self.answer(request, |state, asked| {
                let collection = state.collection(&asked.collection_name)?;
                for id in collection.select(asked.points_selector)? {
                    let point = collection.points.get_mut(&id).unwrap();
                    point.payload.extend(asked.payload.clone());
                }
                Ok(completed())
            })
            .await
        }

        async fn create_field_index(
            &self,
            request: Request<api::CreateFieldIndexCollection>,
        ) -> Answer<api::PointsOperationResponse> {
            self.answer(request, |state, asked| {
                state.collection(&asked.collection_name)?.indexes.insert(asked.field_name);
                Ok(completed())
            })
            .await
        }

        async fn count(&self, request: Request<api::CountPoints>) -> Answer<api::CountResponse> {
            self.answer(request, |state, asked| {
                if asked.exact != Some(true) || asked.filter.is_some() {
                    return Err(Status::unimplemented("only all are counted here, exactly"));
                }
                let count = state.collection(&asked.collection_name)?.points.len() as u64;
                let result = Some(api::CountResult { count });
                Ok(api::CountResponse { result, ..Default::default() })
            })
            .await
        }

        async fn query(&self, request: Request<api::QueryPoints>) -> Answer<api::QueryResponse> {
            self.answer(request, exact_query).await
        }
    }
    refuse {
        get: GetPoints -> GetResponse;
        update_vectors: UpdatePointVectors -> PointsOperationResponse;
        delete_vectors: DeletePointVectors -> PointsOperationResponse;
        overwrite_payload: SetPayloadPoints -> PointsOperationResponse;
        delete_payload: DeletePayloadPoints -> PointsOperationResponse;
        clear_payload: ClearPayloadPoints -> PointsOperationResponse;
        delete_field_index: DeleteFieldIndexCollection -> PointsOperationResponse;
        create_vector_name: CreateVectorNameRequest -> PointsOperationResponse;
        delete_vector_name: DeleteVectorNameRequest -> PointsOperationResponse;
        search: SearchPoints -> SearchResponse;
        search_batch: SearchBatchPoints -> SearchBatchResponse;
        search_groups: SearchPointGroups -> SearchGroupsResponse;
        scroll: ScrollPoints -> ScrollResponse;
        recommend: RecommendPoints -> RecommendResponse;
        recommend_batch: RecommendBatchPoints -> RecommendBatchResponse;
        recommend_groups: RecommendPointGroups -> RecommendGroupsResponse;
        discover: DiscoverPoints -> DiscoverResponse;
        discover_batch: DiscoverBatchPoints -> DiscoverBatchResponse;
        update_batch: UpdateBatchPoints -> UpdateBatchResponse;
        query_batch: QueryBatchPoints -> QueryBatchResponse;
        query_groups: QueryPointGroups -> QueryGroupsResponse;
        facet: FacetCounts -> FacetResponse;
        search_matrix_pairs: SearchMatrixPoints -> SearchMatrixPairsResponse;
        search_matrix_offsets: SearchMatrixPoints -> SearchMatrixOffsetsResponse;
    }
}

/// Anybody is told the version, with or without a key.
#[tonic::async_trait]
impl Qdrant for Service {
    async fn health_check(
        &self,
        _: Request<api::HealthCheckRequest>,
    ) -> Answer<api::HealthCheckReply> {
        let (title, version) = ("a small Qdrant".to_owned(), "1.15.0".to_owned());
        Ok(Response::new(api::HealthCheckReply { title, version, commit: None }))
    }
}
