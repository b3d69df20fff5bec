//! How every verb's help ends: what it prints and how it ends. The man page is made of the same texts.

use clap::Command;
use clap_mangen::Man;

/// Verbs whose output is fixed, with what they print under `--output json` and their exit codes beyond [`ALWAYS`].
const ENDINGS: [(&str, &str, &str); 24] = [
    (
        "run",
        "one object: connection vendor command return_data raw_data context key_fields result message errors attachments started_at \
         finished_at; with --dry-run also requests",
        "0 Successful, with or without event data; 1 Failed; 3 Partially Successful",
    ),
    (
        "fetch",
        "one object a connection: connection vendor return_data fetched new updated unchanged from to gaps errors",
        "0 all were fetched; 1 all failed; 3 some failed, or one in part",
    ),
    (
        "events",
        "one object an event, newest first: id connection vendor event_type key title severity severity_origin vendor_severity status \
         vendor_status occurred_at updated_at first_seen_at assignee disposition entities fields raw",
        "0 also where nothing matches; 2 also for a bad query, whose column is pointed at",
    ),
    (
        "connections list",
        "one object a connection: name vendor active last_success_at last_error consecutive_failures",
        "0 also where none is configured",
    ),
    ("connections test", "one object a connection: connection vendor return_data message errors", "0 all work; 1 any fails"),
    ("connections add", "nothing", "0 it is written; 2 it is not, and the file is as it was"),
    ("connections edit", "nothing", "0 it is written; 2 it is not, and the file is as it was"),
    ("connections remove", "nothing", "0 it is written; 2 it is not, and the file is as it was"),
    ("secrets set", "nothing", "0 it is kept; 2 also where no value was given"),
    ("secrets list", "one object a secret: name; never its value", "0 also where the vault is empty"),
    ("secrets remove", "nothing", "0 it is gone; 2 also where there is none of this name"),
    (
        "commands",
        "one object a command: vendor name title permission effect reach undo assumed parameters, each of these with name label type \
         required default choices minimum maximum help",
        "0 done",
    ),
    ("jobs list", "one object a job: name connection every_minutes last_run_at next_run_at last_result", "0 also where there is none"),
    (
        "jobs run",
        "one object a job: name connection result message errors, and what it did",
        "0 all succeeded; 1 all failed; 3 some failed",
    ),
    ("audit list", "one object an entry: seq time actor connection command items effect state hash previous", "0 also where there is none"),
    ("audit verify", "one object: ok entries head first_bad reason", "0 the chain is whole; 1 it is not, and the first bad entry is named"),
    ("keys", "one object an action: action contexts keys help", "0 done"),
    ("config path", "one object: config_dir data_dir and the files in them", "0 done"),
    ("config check", "one object: ok connections warnings", "0 it is right; 2 it is not: every error names the file and the line"),
    ("sim", "one line once all listen: ready config_dir endpoints", "0 when it is interrupted"),
    ("demo", "nothing: it is the console", "0 when it is left"),
    ("completions", "the completions", "0 done"),
    ("man", "the page", "0 done"),
    ("view", "what was asked for", "0 done"),
];

/// How any verb may end.
const ALWAYS: &str = "2 the call itself is wrong and nothing was sent; 130 interrupted";

/// The same call, each of its verbs with its ending.
pub fn with_endings(call: Command) -> Command {
    let codes = "Exit codes: 0 done, an empty list too; 1 failed; 2 the call itself is wrong and nothing was sent; 3 failed in part; \
                 130 interrupted. JSON goes to stdout, one object a line; everything else to stderr.";
    below(call, "").after_long_help(codes)
}

fn below(mut verb: Command, path: &str) -> Command {
    let names: Vec<String> = verb.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    for name in names {
        let path = format!("{path} {name}").trim_start().to_owned();
        verb =
            verb.mut_subcommand(name, |verb| if verb.has_subcommands() { below(verb, &path) } else { verb.after_long_help(ending(&path)) });
    }
    verb
}

fn ending(path: &str) -> String {
    match ENDINGS.iter().find(|(known, _, _)| *known == path) {
        Some((_, prints, codes)) => format!("Prints {prints}.\n\nExit codes: {codes}; {ALWAYS}."),
        None => format!("Exit codes: 0 done, an empty list too; 1 failed; 3 failed in part; {ALWAYS}."),
    }
}

/// The man page: the call, then a section for each verb.
///
/// # Errors
/// None that a buffer knows of.
pub fn man(call: Command) -> std::io::Result<Vec<u8>> {
    let mut call = with_endings(call);
    call.build();
    let mut page = Vec::new();
    Man::new(call.clone()).render(&mut page)?;
    chapters(&call, "nightdesk", &mut page)?;
    // What clap_mangen calls EXTRA is where the exit codes stand.
    Ok(String::from_utf8_lossy(&page).replace(".SH EXTRA", ".SH \"EXIT STATUS\"").into_bytes())
}

fn chapters(verb: &Command, path: &str, page: &mut Vec<u8>) -> std::io::Result<()> {
    for verb in verb.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let path = format!("{path} {}", verb.get_name());
        if verb.has_subcommands() {
            chapters(verb, &path, page)?;
            continue;
        }
        let man = Man::new(verb.clone());
        let mut chapter = Vec::new();
        man.render_synopsis_section(&mut chapter)?;
        man.render_description_section(&mut chapter)?;
        man.render_options_section(&mut chapter)?;
        man.render_extra_section(&mut chapter)?;
        let chapter = String::from_utf8_lossy(&chapter).replace(".SH EXTRA", ".SH ENDS").replace(".SH ", ".SS ");
        page.extend_from_slice(format!(".SH \"{}\"\n{chapter}", path.to_uppercase()).as_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn leaves(verb: &Command, path: &str, found: &mut Vec<(String, String)>) {
        for verb in verb.get_subcommands() {
            let path = format!("{path} {}", verb.get_name()).trim_start().to_owned();
            if verb.has_subcommands() {
                leaves(verb, &path, found);
            } else {
                found.push((path, verb.get_after_long_help().map(ToString::to_string).unwrap_or_default()));
            }
        }
    }

    #[test]
    fn every_verb_says_how_it_ends_and_no_ending_is_without_a_verb() {
        let mut found = Vec::new();
        leaves(&with_endings(crate::cli::Call::command()), "", &mut found);
        for (path, text) in &found {
            assert!(text.contains("Exit codes: 0 ") && text.contains("130 interrupted"), "{path}: {text}");
        }
        for (path, _, _) in ENDINGS {
            assert!(found.iter().any(|(known, _)| known == path), "{path} is no verb");
        }
    }

    #[test]
    fn the_man_page_has_every_verb_and_the_exit_codes() {
        let page = String::from_utf8(man(crate::cli::Call::command()).unwrap()).unwrap();
        for told in [".TH nightdesk", ".SH \"EXIT STATUS\"", ".SH \"NIGHTDESK RUN\"", ".SH \"NIGHTDESK AUDIT VERIFY\"", "\\-\\-dry\\-run"] {
            assert!(page.contains(told), "{told} is missing");
        }
    }
}
