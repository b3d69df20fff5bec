//! The welcome: a connection is added, or the demo started.

use crate::core::console::effect::Effect;
use crate::core::console::layer::Layer;
use crate::core::console::model::Exit;
use crate::core::console::session::{Session, setup};

fn new() -> Session {
    let mut setup = setup();
    setup.connected.clear();
    Session::with(setup, Vec::new())
}

#[test]
fn a_connection_is_added_from_the_welcome_and_the_console_opens_anew() {
    let mut session = new();
    session.press("n").text("wiz").press("enter");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("no form") };
    assert_eq!((form.adds, form.fields[0].text().as_str()), (true, "wiz"), "a name is proposed");
    // Nothing is written while something is missing.
    session.press("ctrl-s");
    assert!(session.asked_for(|effect| matches!(effect, Effect::AddConnection(_))).is_empty());
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("no form") };
    assert!(form.fields.iter().any(|field| field.error.is_some()));
    session.text("https://api.us1.app.wiz.io").press("tab").text("007").press("tab").text("hush").press("tab").text("a,b");
    let typed = session.model.layers.len();
    session.press("ctrl-s");
    let asked = session.asked_for(|effect| matches!(effect, Effect::AddConnection(_)));
    let [Effect::AddConnection(wanted)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((wanted.name.as_str(), wanted.vendor.as_str()), ("wiz", "wiz"));
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let set = [pair("api_endpoint_url", "https://api.us1.app.wiz.io"), pair("client_id", "007"), pair("scopes", "[\"a\",\"b\"]")];
    assert_eq!(wanted.set, set, "what is as it is by default is not written");
    assert_eq!(wanted.secrets, [pair("client_secret", "hush")]);
    assert!(!format!("{wanted:?}").contains("hush"));
    assert_eq!(typed, 1);
    assert!(session.model.leaving && matches!(&session.model.exit, Exit::Again(text) if text.contains("wiz was added")));
    // The session that is kept has no secret in it.
    assert!(
        session
            .asked_for(|effect| matches!(effect, Effect::Keep(_) | Effect::KeepDraft(..)))
            .iter()
            .all(|kept| !format!("{kept:?}").contains("hush"))
    );
}

#[test]
fn what_is_wrong_with_it_is_told_where_it_was_typed() {
    let mut session = Session::new();
    session.press("1 n").text("wiz").press("enter");
    let Some(Layer::Form(form)) = session.model.layers.last_mut() else { panic!("no form") };
    form.fields[0].set("taken");
    for (field, value) in form.fields.iter_mut().skip(1).zip(["https://x.example", "7", "s"]) {
        field.set(value);
    }
    session.press("ctrl-s");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("the form is gone") };
    assert_eq!(form.complaint.as_deref(), Some("there is a connection of this name already"));
    assert!(!session.model.leaving);
}

#[test]
fn the_demo_is_one_key_away_and_only_where_nothing_is_configured() {
    let mut session = new();
    session.press("d");
    assert_eq!((session.model.leaving, &session.model.exit), (true, &Exit::Demo));
    let mut session = Session::new();
    session.press("1 d");
    assert!(!session.model.leaving);
}
