//! What is copied, and as what.

use super::action::Action;
use super::effect::{Effect, Gather};
use super::layer::Layer;
use super::model::{Model, Pane};
use super::notice::Tone;

/// Values of more bytes are not even made into a text: no terminal takes them.
const MOST: usize = 1024 * 1024;

/// Copies what is under the cursor.
pub fn perform(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::CopyCall {
        return call(model).map(|text| vec![Effect::Copy(text)]).unwrap_or_default();
    }
    if let Some(Layer::Page(page)) = model.layers.last() {
        return page.lines.get(page.first).map(|line| vec![Effect::Copy(line.clone())]).unwrap_or_default();
    }
    if let Some(Layer::Case(view)) = model.layers.last() {
        return view.text().map(|text| vec![Effect::Copy(text)]).unwrap_or_default();
    }
    if let (Some(face), Some(explorer)) = (model.face(), model.explorer()) {
        let size = explorer.selected(face).map_or(0, |node| explorer.document.raw(node).len());
        if size > MOST && action != Action::CopyPath {
            model.tell(Tone::Warning, format!("{size} bytes are more than a terminal takes; w writes the document to a file."));
            return Vec::new();
        }
        let text = match action {
            Action::CopyPath => explorer.path_text(face),
            Action::CopyJson => explorer.json_text(face),
            Action::CopyId => None,
            _ => explorer.value_text(face),
        };
        if let Some(text) = text {
            return vec![Effect::Copy(text)];
        }
    }
    if model.focus == Pane::Record
        && action == Action::CopyValue
        && let Some(entity) = model.detail.entity()
    {
        return vec![Effect::Copy(entity.value.clone())];
    }
    match action {
        Action::CopyJson => vec![Effect::Gather(model.targets(), Gather::Copy)],
        Action::CopyId => row_text(model, |row| row.key.clone()),
        _ => row_text(model, |row| row.title.clone()),
    }
}

fn row_text(model: &Model, text: impl Fn(&crate::core::listing::Listed) -> String) -> Vec<Effect> {
    let lines: Vec<String> = model.targets().iter().filter_map(|id| model.queue.row(*id)).map(text).collect();
    if lines.is_empty() { Vec::new() } else { vec![Effect::Copy(lines.join("\n"))] }
}

/// The command line that shows the same.
fn call(model: &Model) -> Option<String> {
    let task = match model.layers.last() {
        Some(Layer::Outcome(view)) => model.tasks.get(view.task),
        Some(Layer::Document(reading)) => {
            return reading.coming.as_ref().map(|coming| format!("nightdesk view {}", quoted(&coming.name)));
        }
        None if model.focus == Pane::Tasks => model.tasks.current(),
        _ => None,
    };
    let Some(task) = task else {
        let ids: Vec<String> = model.targets().iter().map(i64::to_string).collect();
        return (!ids.is_empty()).then(|| format!("nightdesk event show {}", ids.join(" ")));
    };
    if task.command.is_empty() {
        return Some(format!("nightdesk fetch {}", task.connection));
    }
    let is_playbook = task.connection.is_empty();
    let mut line = if is_playbook {
        format!("nightdesk playbook run {}", task.command)
    } else {
        format!("nightdesk run {} {}", task.connection, task.command)
    };
    for (name, value) in &task.arguments {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        line.push_str(&format!(" {}", quoted(&format!("{name}={text}"))));
    }
    if let (true, [event, ..]) = (is_playbook, task.events.as_slice()) {
        line.push_str(&format!(" --event {event}"));
    }
    Some(line)
}

fn quoted(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_=./:@%+,".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
