//! Themes: a role for everything that is drawn, read from `themes/*.toml`.

use ratatui::style::{Color, Modifier, Style};

use crate::core::event::Severity;

macro_rules! roles {
    ($($role:ident: $help:literal;)*) => {
        /// The styles, by role.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Theme {
            /// Its name.
            pub name: String,
            $(#[doc = $help] pub $role: Style,)*
        }

        impl Theme {
            /// Every role with its style.
            #[cfg(test)]
            pub fn roles(&self) -> Vec<(&'static str, Style)> {
                vec![$((stringify!($role), self.$role)),*]
            }

            /// A theme from its file.
            ///
            /// # Errors
            /// What is wrong with it: an unknown role, a missing one, a colour that cannot be read.
            pub fn parse(text: &str) -> Result<Self, String> {
                let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
                let mut theme = Self::default();
                for (role, value) in &table {
                    let value = value.as_str().ok_or_else(|| format!("{role} is not a text"))?;
                    match role.as_str() {
                        "name" => theme.name = value.to_owned(),
                        $(stringify!($role) => theme.$role = style(value).map_err(|message| format!("{role}: {message}"))?,)*
                        _ => return Err(format!("there is no role {role}")),
                    }
                }
                $(if !table.contains_key(stringify!($role)) {
                    return Err(format!("{} is missing", stringify!($role)));
                })*
                Ok(theme)
            }
        }
    };
}

roles! {
    text: "Plain text.";
    dim: "What stands back.";
    accent: "What stands out.";
    border: "Lines around panes.";
    focus: "Lines around the pane in focus.";
    title: "Headings.";
    selection: "The selected row.";
    mark: "Marked events.";
    critical: "Critical.";
    high: "High.";
    medium: "Medium.";
    low: "Low.";
    informational: "For information.";
    unknown: "Unknown.";
    good: "What went well.";
    warning: "What needs a look.";
    error: "What failed.";
    odd: "Characters that a vendor's text should not have.";
    key: "Keys.";
    header: "The first line.";
    hit: "What was searched for.";
    danger: "What cannot be undone.";
    json_key: "Names in JSON.";
    json_string: "Strings in JSON.";
    json_number: "Numbers in JSON.";
    json_word: "true, false and null in JSON.";
}

/// The themes that come with the program.
const EMBEDDED: [&str; 6] = [
    include_str!("../../themes/ansi16.toml"),
    include_str!("../../themes/dark.toml"),
    include_str!("../../themes/light.toml"),
    include_str!("../../themes/high-contrast.toml"),
    include_str!("../../themes/colour-blind.toml"),
    include_str!("../../themes/mono.toml"),
];

impl Theme {
    /// The themes that come with the program.
    pub fn embedded() -> Vec<Self> {
        EMBEDDED.iter().filter_map(|text| Self::parse(text).ok()).collect()
    }

    /// The style of a severity.
    pub fn severity(&self, severity: Severity) -> Style {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Informational => self.informational,
            Severity::Unknown => self.unknown,
        }
    }
}

/// A style as it is written: `cyan bold`, `#d8dee9 on black`, `reverse`.
fn style(text: &str) -> Result<Style, String> {
    let mut style = Style::default();
    let mut background = false;
    for word in text.split_whitespace() {
        let modifier = match word {
            "bold" => Some(Modifier::BOLD),
            "dim" => Some(Modifier::DIM),
            "italic" => Some(Modifier::ITALIC),
            "underline" => Some(Modifier::UNDERLINED),
            "reverse" => Some(Modifier::REVERSED),
            _ => None,
        };
        if let Some(modifier) = modifier {
            style = style.add_modifier(modifier);
        } else if word == "on" {
            background = true;
        } else {
            let colour: Color = word.replace('_', "").parse().map_err(|_| format!("{word} is not a colour"))?;
            style = if std::mem::take(&mut background) { style.bg(colour) } else { style.fg(colour) };
        }
    }
    Ok(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_themes_that_come_along_are_whole() {
        for text in EMBEDDED {
            let theme = Theme::parse(text);
            assert!(theme.is_ok(), "{theme:?}");
        }
        let mono = Theme::embedded().into_iter().find(|theme| theme.name == "mono").unwrap();
        assert!([mono.high, mono.error, mono.selection, mono.text].iter().all(|style| style.fg.is_none() && style.bg.is_none()));
    }

    #[test]
    fn what_is_wrong_with_a_theme_is_named() {
        assert!(Theme::parse("name = \"x\"\ntxet = \"red\"").unwrap_err().contains("txet"));
        assert!(Theme::parse("text = \"rad\"").unwrap_err().contains("rad"));
        assert!(Theme::parse("text = \"red\"").unwrap_err().contains("missing"));
    }
}
