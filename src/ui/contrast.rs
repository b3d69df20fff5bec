//! Whether the themes can be read: contrast as WCAG 2 has it, and severities under the common colour visions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::paint::sign;
use super::{Theme, draw};
use crate::core::console::message::Message;
use crate::core::console::session::Session;
use crate::core::event::Severity;

/// Red, green, blue, each from 0 to 1, linear.
type Light = [f64; 3];

/// The sixteen colours as xterm has them.
const XTERM: [(Color, [u8; 3]); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::Gray, [229, 229, 229]),
    (Color::DarkGray, [127, 127, 127]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
    (Color::White, [255, 255, 255]),
];

/// What somebody without the cones for green, or for red, sees (Machado, Oliveira and Fernandes 2009).
const VISIONS: [[Light; 3]; 3] = [
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
    [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
];

fn light(colour: Color) -> Light {
    let bytes = match colour {
        Color::Rgb(red, green, blue) => [red, green, blue],
        named => XTERM.iter().find(|(name, _)| *name == named).unwrap().1,
    };
    bytes.map(|byte| {
        let part = f64::from(byte) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}

fn luminance([red, green, blue]: Light) -> f64 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: Color, other: Color) -> f64 {
    let (one, other) = (luminance(light(one)), luminance(light(other)));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// How far apart two colours look (CIE 1976).
fn apart(one: Color, other: Color, vision: &[Light; 3]) -> f64 {
    let lab = |colour: Color| {
        let seen = light(colour);
        let seen = vision.map(|row| row.iter().zip(seen).map(|(part, of)| part * of).sum::<f64>().clamp(0.0, 1.0));
        let [red, green, blue] = seen;
        let bent = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let x = bent((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.950_47);
        let y = bent(luminance(seen));
        let z = bent((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.088_83);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    };
    lab(one).iter().zip(lab(other)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// What a role is drawn in on a theme's ground; none where it is the terminal's own text colour. Where a theme leaves the ground to the
/// terminal, it is black.
fn drawn(theme: &Theme, style: Style) -> Option<(Color, Color)> {
    let ground = theme.text.bg.unwrap_or(Color::Black);
    Some((style.fg?, style.bg.unwrap_or(ground)))
}

#[test]
fn every_role_can_be_read_on_its_ground() {
    for theme in Theme::embedded() {
        for (role, style) in theme.roles() {
            let Some((front, back)) = drawn(&theme, style) else { continue };
            // Lines are no text.
            let least = if role == "border" { 3.0 } else { 4.5 };
            let found = contrast(front, back);
            assert!(found >= least, "{}: {role} has {found:.2}", theme.name);
        }
    }
}

/// What stands on the screens cannot be read in the theme: role laid over role as well.
fn unreadable(keys: &str, theme: &Theme) -> Vec<String> {
    let mut session = Session::new();
    session.send(Message::Resized(100, 30));
    session.settle();
    session.press(keys).wait(1_000);
    let mut cells = Buffer::empty(Rect::new(0, 0, 100, 30));
    draw(&session.model, theme, &mut cells);
    let ground = theme.text.bg.unwrap_or(Color::Black);
    let mut found = Vec::new();
    for y in 0..30 {
        for x in 0..100 {
            let cell = cells.cell((x, y)).unwrap();
            // The terminal's own text colour is the terminal's own affair.
            if cell.fg == Color::Reset || !cell.symbol().chars().any(char::is_alphanumeric) {
                continue;
            }
            let back = if cell.bg == Color::Reset { ground } else { cell.bg };
            if contrast(cell.fg, back) < 4.5 {
                found.push(format!("{} at {x},{y}: {:?} on {back:?}", cell.symbol(), cell.fg));
            }
        }
    }
    found
}

#[test]
fn every_letter_of_every_screen_can_be_read_in_every_theme() {
    let screens = [
        "j",
        "space j *",
        "enter",
        "enter ] ] ] z 3 j",
        "enter ] ] ] ]",
        "1 j",
        "f 4",
        "* d",
        "d b tab",
        "a",
        "p",
        "a i s o enter",
        "a i s o enter ctrl-s",
        "1 a p r o j e c t esc 1 j a p r o j enter enter",
        ": c l o s e",
        "?",
        "g",
        "= enter",
        "g n",
        "g k",
        "g h",
        "'",
    ];
    for theme in Theme::embedded() {
        for keys in screens {
            let found = unreadable(keys, &theme);
            assert!(found.is_empty(), "{} after {keys:?}: {found:?}", theme.name);
        }
    }
}

#[test]
fn the_selection_stands_out_without_colour() {
    for theme in Theme::embedded() {
        let reversed = theme.selection.add_modifier.contains(Modifier::REVERSED);
        let ground = theme.text.bg.unwrap_or(Color::Black);
        let stands_out = reversed || theme.selection.bg.is_some_and(|back| contrast(back, ground) >= 3.0);
        assert!(stands_out, "{}", theme.name);
    }
}

#[test]
fn severities_are_told_apart_by_sign_and_where_we_choose_the_colours_by_everybody() {
    for ascii in [false, true] {
        let mut signs: Vec<_> = Severity::ALL.iter().map(|(_, severity)| sign(*severity, ascii)).collect();
        signs.sort_unstable();
        signs.dedup();
        assert_eq!(signs.len(), Severity::ALL.len());
    }
    let mut compared = 0;
    for theme in Theme::embedded() {
        let known = Severity::ALL.iter().filter(|(_, severity)| *severity != Severity::Unknown);
        let known: Vec<_> = known.map(|(name, severity)| (name, theme.severity(*severity))).collect();
        for (at, (one, first)) in known.iter().enumerate() {
            // One on a ground of its own is told apart by that.
            for (other, second) in known.iter().skip(at + 1).filter(|(_, second)| second.bg == first.bg) {
                let (Some(here @ Color::Rgb(..)), Some(there @ Color::Rgb(..))) = (first.fg, second.fg) else { continue };
                compared += 1;
                for vision in &VISIONS {
                    let found = apart(here, there, vision);
                    assert!(found >= 15.0, "{}: {one} and {other} are {found:.1} apart", theme.name);
                }
            }
        }
    }
    assert!(compared >= 26, "{compared}");
}
