//! What the console keeps between runs: its view, drafts of forms, what was entered before, actions that are followed.

use serde_json::{Map, Value};

use super::{Store, StoreError};

const VIEW: &str = "view";
const DRAFT: &str = "draft";
const FORM: &str = "form";
const FOLLOW: &str = "follow";
/// How many former inputs of a form are kept.
const INPUTS: usize = 20;

impl Store {
    /// The state of the console's view.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn view_state(&self) -> Result<Option<Value>, StoreError> {
        self.kept(VIEW, "").await
    }

    /// Keeps the state of the console's view.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_view_state(&self, state: Value) -> Result<(), StoreError> {
        self.keep(VIEW, "", Some(state)).await
    }

    /// The draft of a command's form.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn draft(&self, connection: &str, command: &str) -> Result<Option<Map<String, Value>>, StoreError> {
        Ok(self.kept(DRAFT, &form(connection, command)).await?.and_then(|draft| draft.as_object().cloned()))
    }

    /// Keeps the draft of a command's form; an empty one is forgotten.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_draft(&self, connection: &str, command: &str, draft: Map<String, Value>) -> Result<(), StoreError> {
        let draft = (!draft.is_empty()).then(|| Value::Object(draft));
        self.keep(DRAFT, &form(connection, command), draft).await
    }

    /// What was entered into a command's form before, the last first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn form_history(&self, connection: &str, command: &str) -> Result<Vec<Map<String, Value>>, StoreError> {
        let kept = self.kept(FORM, &form(connection, command)).await?;
        let inputs = kept.as_ref().and_then(Value::as_array).into_iter().flatten();
        Ok(inputs.filter_map(|input| input.as_object().cloned()).collect())
    }

    /// Keeps what was entered into a command's form; secrets must not be among it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn push_form_history(&self, connection: &str, command: &str, input: Map<String, Value>) -> Result<(), StoreError> {
        let mut inputs = self.form_history(connection, command).await?;
        inputs.retain(|known| *known != input);
        inputs.insert(0, input);
        inputs.truncate(INPUTS);
        let inputs = Value::Array(inputs.into_iter().map(Value::Object).collect());
        self.keep(FORM, &form(connection, command), Some(inputs)).await
    }

    /// Keeps an action that is followed; gives the id by which it is called.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn follow_push(&self, follow: Value) -> Result<String, StoreError> {
        let id = uuid::Uuid::new_v4().to_string();
        self.keep(FOLLOW, &id, Some(follow)).await?;
        Ok(id)
    }

    /// The actions that are followed with their ids, the last changed first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn follows(&self) -> Result<Vec<(String, Value)>, StoreError> {
        self.all_kept(FOLLOW).await
    }

    /// Changes an action that is followed, or forgets it with `None`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn follow_update(&self, id: &str, follow: Option<Value>) -> Result<(), StoreError> {
        self.keep(FOLLOW, id, follow).await
    }
}

fn form(connection: &str, command: &str) -> String {
    format!("{connection}/{command}")
}
