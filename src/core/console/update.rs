//! Routes each message to the part that owns it; nothing else.

use super::act;
use super::add;
use super::answers;
use super::cases;
use super::edit;
use super::effect::Effect;
use super::explore;
use super::mark;
use super::message::Message;
use super::model::Model;
use super::opening;
use super::play;
use super::post;
use super::press;
use super::reading;
use super::recording;
use super::resume;
use super::run;
use super::views;

/// What happens next: changes the model, and says what the world is asked for.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Key(key) => {
            let mut effects = press::key(model, key);
            effects.extend(resume::touched(model));
            effects
        }
        Message::Paste(text) => {
            let mut effects = press::paste(model, &text);
            effects.extend(resume::touched(model));
            effects
        }
        Message::Scroll(rows) => press::scroll(model, rows),
        Message::Resized(width, height) => {
            model.size = (width, height);
            Vec::new()
        }
        Message::Tick => {
            let mut effects = edit::paused(model);
            effects.extend(resume::paused(model));
            effects
        }
        Message::Changed => {
            let mut effects = vec![model.list(), Effect::Health, Effect::Outbox];
            effects.extend(cases::refresh(model));
            effects
        }
        Message::Returned => vec![Effect::Redraw],
        Message::Stop => {
            model.leaving = true;
            let mut effects = resume::keep(model);
            effects.push(Effect::Quit);
            effects
        }
        Message::Rows(generation, result) => answers::rows(model, generation, result),
        Message::Tallied(view, grouping, result) => mark::tallied(model, view, grouping, result),
        Message::Members(generation, group, result) => mark::filled(model, generation, &group, result),
        Message::Marked(view, which, then, result) => mark::marked(model, &view, &which, then, result),
        Message::Shown(id, result) => answers::shown(model, id, result),
        Message::Gathered(purpose, result) => answers::gathered(model, purpose, result),
        Message::Decided(what, before, fault) => answers::decided(model, &what, before, fault),
        Message::Progress(task, text, done, total) => answers::progress(model, task, text, done, total),
        Message::Ended(task, state, text, report) => answers::ended(model, task, state, text, report),
        Message::Step(task, done) => play::step_done(model, task, *done),
        Message::Playbooks(name, result) => recording::written(model, &name, result),
        Message::Followed(task, tone, text) => answers::followed(model, task, tone, text),
        Message::Picks(form, field, result) => answers::picks(model, form, &field, result),
        Message::Checked(form, field, revision, faults) => edit::checked(model, form, &field, revision, faults),
        Message::Names(form, field, result) => run::named(model, form, &field, result),
        Message::Health(health) => {
            model.health = health;
            Vec::new()
        }
        Message::Job(connection, Some(doing)) => {
            model.jobs.insert(connection, doing);
            Vec::new()
        }
        Message::Job(connection, None) => {
            model.jobs.remove(&connection);
            vec![Effect::Health]
        }
        Message::Outbox(result) => post::letters(model, result),
        Message::Held(task, letter) => post::held(model, task, &letter),
        Message::Counts(counts) => views::counted(model, &counts),
        Message::Views(result) => views::written(model, result),
        Message::Opened(number, answer) => opening::opened(model, number, *answer),
        Message::Page(title, lines) => act::page_layer(model, &title, lines),
        Message::Cases(result) => cases::listed(model, &result),
        Message::Case(name, result) => cases::read(model, &name, &result),
        Message::OnCase(change, result) => cases::changed(model, &change, result),
        Message::Document(result) => reading::opened(model, result),
        Message::Draft(form, values) => answers::draft(model, form, &values),
        Message::Added(vendor, name, result) => add::added(model, vendor, &name, result),
        Message::Read(ticket, arrived) => explore::read(model, &ticket, &arrived),
        Message::Working(ticket, percent) => explore::working(model, &ticket, percent),
        Message::Worked(work) => explore::worked(model, *work),
        Message::Notice(tone, text) => {
            model.tell(tone, text);
            Vec::new()
        }
    }
}
