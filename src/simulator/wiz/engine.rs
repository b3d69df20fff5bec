//! The GraphQL engine: documents are validated against the declared schema and executed over JSON records.
//!
//! It refuses what a GraphQL server refuses (unknown fields and arguments, missing sub-selections, undefined and unused
//! variables, quoted enums, variables of a wrong type), so that a client's document that passes here is a valid one.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io;

use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Map, Value, json};

/// Why a field was not answered: the message and the `extensions` of its GraphQL error.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The error's message.
    pub message: String,
    /// The error's extensions; `code` among them.
    pub extensions: Value,
}

impl Refusal {
    /// A refusal with nothing but a code.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { message: message.into(), extensions: json!({"code": code}) }
    }

    /// A value that the API does not take.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new("BAD_USER_INPUT", message)
    }
}

/// Answers a root field, given its arguments.
pub type Resolve<'a> = dyn Fn(&str, &Map<String, Value>) -> Result<Value, Refusal> + 'a;

/// The schema, ready to judge documents.
#[derive(Debug)]
pub struct Engine {
    schema: Valid<Schema>,
}

impl Engine {
    /// Reads the declared schema.
    ///
    /// # Errors
    /// When the schema is wrong, which a test rules out.
    pub fn new() -> io::Result<Self> {
        let schema = Schema::parse_and_validate(include_str!("schema.graphql"), "schema.graphql");
        schema.map(|schema| Self { schema }).map_err(|wrong| io::Error::other(wrong.errors.to_string()))
    }

    /// Validates and executes one operation and gives the whole response.
    pub fn run(&self, document: &str, operation: Option<&str>, variables: &Map<String, Value>, resolve: &Resolve<'_>) -> Value {
        let document = match ExecutableDocument::parse_and_validate(&self.schema, document, "query.graphql") {
            Ok(document) => document,
            Err(wrong) => {
                let errors: Vec<_> = wrong
                    .errors
                    .iter()
                    .map(|error| json!({"message": error.to_json().message, "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}))
                    .collect();
                return json!({"errors": errors});
            }
        };
        let refused = |message: String, code: &str| json!({"errors": [{"message": message, "extensions": {"code": code}}]});
        let operation = match document.operations.get(operation) {
            Ok(operation) => operation,
            Err(error) => return refused(error.message().to_string(), "GRAPHQL_VALIDATION_FAILED"),
        };
        let JsonValue::Object(variables) = JsonValue::from(Value::from(variables.clone())) else {
            return refused("variables must be an object".into(), "BAD_USER_INPUT");
        };
        let root = Root { kind: operation.object_type().to_string(), resolve, refusals: RefCell::default() };
        let answer = Execution::new(&self.schema, &document).operation(operation).raw_variable_values(&variables).execute_sync(&root);
        match answer {
            Ok(answer) => root.response(answer.data, answer.errors),
            Err(error) => refused(error.message().to_string(), "BAD_USER_INPUT"),
        }
    }
}

struct Root<'a> {
    kind: String,
    resolve: &'a Resolve<'a>,
    /// The engine carries only a message; this is what its number stands for.
    refusals: RefCell<Vec<Refusal>>,
}

impl Root<'_> {
    fn response(self, data: Option<JsonMap>, errors: Vec<apollo_compiler::response::GraphQLError>) -> Value {
        let refusals = self.refusals.into_inner();
        let errors: Vec<Value> = errors
            .into_iter()
            .map(|error| {
                let known = error.message.rsplit_once("refusal ").and_then(|(_, number)| refusals.get(number.parse::<usize>().ok()?));
                let (message, extensions) = known.map_or_else(
                    || (error.message.clone(), json!({"code": "INTERNAL"})),
                    |refusal| (refusal.message.clone(), refusal.extensions.clone()),
                );
                json!({"message": message, "path": serde_json::to_value(&error.path).unwrap_or_default(), "extensions": extensions})
            })
            .collect();
        let data = serde_json::to_value(data).unwrap_or_default();
        if errors.is_empty() { json!({"data": data}) } else { json!({"data": data, "errors": errors}) }
    }
}

impl ObjectValue for Root<'_> {
    fn type_name(&self) -> &str {
        &self.kind
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let arguments = match serde_json::to_value(info.arguments()) {
            Ok(Value::Object(arguments)) => arguments,
            _ => Map::new(),
        };
        match (self.resolve)(info.field_name(), &arguments) {
            Ok(Value::Object(fields)) => {
                Ok(ResolvedValue::object(Node::new(Cow::Owned(fields), info.field_definition().ty.inner_named_type())))
            }
            Ok(_) => Ok(ResolvedValue::null()),
            Err(refusal) => {
                let mut refusals = self.refusals.borrow_mut();
                refusals.push(refusal);
                Err(FieldError { message: format!("refusal {}", refusals.len() - 1) })
            }
        }
    }
}

/// One JSON object as a GraphQL object; `__typename` in it tells the type where the schema leaves it open.
struct Node<'a> {
    kind: String,
    fields: Cow<'a, Map<String, Value>>,
}

impl<'a> Node<'a> {
    fn new(fields: Cow<'a, Map<String, Value>>, declared: &str) -> Self {
        let kind = fields.get("__typename").and_then(Value::as_str).unwrap_or(declared).to_owned();
        Self { kind, fields }
    }
}

impl ObjectValue for Node<'_> {
    fn type_name(&self) -> &str {
        &self.kind
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let declared = info.field_definition().ty.inner_named_type();
        let composite = !matches!(info.schema().types.get(declared), Some(ExtendedType::Scalar(_) | ExtendedType::Enum(_)) | None);
        Ok(self.fields.get(info.field_name()).map_or_else(ResolvedValue::null, |value| resolved(value, declared, composite)))
    }
}

fn resolved<'a>(value: &'a Value, declared: &'a str, composite: bool) -> ResolvedValue<'a> {
    match value {
        Value::Object(fields) if composite => ResolvedValue::object(Node::new(Cow::Borrowed(fields), declared)),
        // A custom scalar may be a list itself, but none of the records holds one.
        Value::Array(items) => ResolvedValue::list(items.iter().map(move |item| resolved(item, declared, composite))),
        other => ResolvedValue::Leaf(JsonValue::from(other.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(document: &str, variables: Value) -> Value {
        let record = json!({"nodes": [{"id": "1", "status": "OPEN", "projects": null,
            "sourceRule": {"__typename": "Control", "id": "r", "name": "n", "description": "d"}}], "pageInfo": {"hasNextPage": false}});
        let Value::Object(variables) = variables else { panic!("variables are an object") };
        Engine::new().unwrap().run(document, None, &variables, &|_, arguments| {
            if arguments.contains_key("first") { Ok(record.clone()) } else { Err(Refusal::bad_input("first is missing")) }
        })
    }

    #[test]
    fn aliases_unions_and_nulls_are_answered() {
        let document = "query Q($first: Int, $f: IssueFilters) { issues: issuesV2(first: $first, filterBy: $f) { nodes { id __typename \
            projects { id } sourceRule { __typename ... on Control { controlDescription: description } } } } }";
        let answer = run(document, json!({"first": 1, "f": {"status": "OPEN"}}));
        assert_eq!(
            answer,
            json!({"data": {"issues": {"nodes": [{"id": "1", "__typename": "Issue", "projects": null,
                "sourceRule": {"__typename": "Control", "controlDescription": "d"}}]}}})
        );
    }

    #[test]
    fn what_a_graphql_server_refuses_is_refused() {
        let code = |document, variables| run(document, variables)["errors"][0]["extensions"]["code"].as_str().map(str::to_owned);
        for document in [
            "{ issuesV2(first: 1) { nodes { nope } } }",
            "{ issuesV2(first: 1, nope: 2) { totalCount } }",
            "{ issuesV2(first: 1) }",
            "{ issuesV2(first: 1) { totalCount { x } } }",
            "query Q($first: Int) { issuesV2(first: $other) { totalCount } }",
            "query Q($first: Int, $unused: Int) { issuesV2(first: $first) { totalCount } }",
            "query Q($first: String) { issuesV2(first: $first) { totalCount } }",
            "{ issuesV2(first: 1, filterBy: {status: \"OPEN\"}) { totalCount } }",
            "{ issuesV2(first: 1 ",
        ] {
            assert_eq!(code(document, json!({})).as_deref(), Some("GRAPHQL_VALIDATION_FAILED"), "{document}");
        }
        let typed = "query Q($first: Int, $f: IssueFilters) { issuesV2(first: $first, filterBy: $f) { totalCount } }";
        for variables in [json!({"first": "ten"}), json!({"first": 1, "f": {"status": ["CLOSED"]}}), json!({"first": 1, "f": {"nope": 1}})]
        {
            assert_eq!(code(typed, variables.clone()).as_deref(), Some("BAD_USER_INPUT"), "{variables}");
        }
        assert_eq!(code("{ issuesV2 { totalCount } }", json!({})).as_deref(), Some("BAD_USER_INPUT"));
    }
}
