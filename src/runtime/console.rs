//! The loop: inbox, input, signals, deadlines; update; perform; draw once if something changed.
//!
//! There is no frame timer. An idle console writes no byte and burns no CPU: it wakes for messages, keys, signals, and when a shown time
//! reads otherwise.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyCode, KeyEventKind, KeyModifiers, MouseEventKind};
use futures::StreamExt;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::playbook::library;
use super::run::Runner;
use super::terminal::{self, Terminal};
use super::world::World;
use super::{adding, beside, clipboard, shell};
use crate::config::{Settings, views};
use crate::core::console::effect::{Effect, Outside, Source, Text};
use crate::core::console::explore;
use crate::core::console::keys::{Code, Key, Keymap};
use crate::core::console::message::Message;
use crate::core::console::model::{Exit, Model, Setup};
use crate::core::console::notice::Tone;
use crate::core::console::update::update;
use crate::core::health::{Connected, Misconfigured};
use crate::ui::{self, Theme};
use crate::vendor;

/// Messages that may wait; a vendor that floods us makes its own task wait.
const WAITING: usize = 256;
/// Frames that nobody typed for are this far apart at least.
const PACE: Duration = Duration::from_millis(33);
/// How long after the end of a program outside an interrupt that was meant for it may still arrive.
const STRAY: Duration = Duration::from_secs(1);

/// Opens the console; returns when the analyst leaves or the process is told to end.
///
/// # Errors
/// When there is no terminal, or the keys in the settings conflict.
pub async fn open(runner: Runner, settings: &Settings, demo: bool, greeting: Option<String>) -> Result<Exit, String> {
    let (mut setup, themes, mut complaints) = setup(&runner.paths().config_dir, settings)?;
    setup.connected = connected(&runner);
    let (playbooks, problems) = library(&runner.paths().config_dir);
    setup.playbooks = playbooks;
    complaints.extend(problems.iter().map(ToString::to_string));
    setup.misconfigured = misconfigured(&runner);
    complaints.extend(runner.store().notice().map(str::to_owned));
    setup.vendors = vendor::all().iter().map(adding::connectable).collect();
    complaints.extend(setup.misconfigured.iter().map(|one| format!("Connection {} cannot be used: {}", one.name, one.reason)));
    setup.views = views::load(runner.paths()).unwrap_or_else(|problems| {
        complaints.extend(problems.iter().map(ToString::to_string));
        Vec::new()
    });
    runner.actor().clone_into(&mut setup.analyst);
    setup.demo = demo;
    let (sender, inbox) = mpsc::channel(WAITING);
    let announced = beside::announce(&runner.lock_dir());
    let world = World::new(Some(runner), sender.clone());
    let mut model = model(setup, complaints, settings);
    // Kept until the console is left.
    let _open = match announced {
        Ok(Ok(file)) => Some(file),
        Ok(Err(other)) => {
            model.tell(Tone::Info, other);
            None
        }
        Err(error) => {
            tracing::warn!(%error, "whether another console is open cannot be known");
            None
        }
    };
    if let Some(greeting) = greeting {
        model.tell(Tone::Done, greeting);
    }
    if let Some(session) = world.session().await {
        crate::core::console::resume::resume(&mut model, &session);
    }
    world.watch_store();
    world.go_on_following().await;
    // A demo's store is empty, and its vendors have no schedule.
    if demo {
        world.fill();
    }
    if settings.jobs {
        world.run_jobs();
    }
    let start = model.start();
    show(model, world, (sender, inbox), themes, settings, start).await
}

/// Opens a document alone: without connections and without a store.
///
/// # Errors
/// When there is no terminal, or the keys in the settings conflict.
pub async fn view(config_dir: &Path, settings: &Settings, source: Source) -> Result<(), String> {
    let (mut setup, themes, complaints) = setup(config_dir, settings)?;
    setup.alone = true;
    let (sender, inbox) = mpsc::channel(WAITING);
    let world = World::new(None, sender.clone());
    let mut model = model(setup, complaints, settings);
    let start = explore::open(&mut model, source);
    show(model, world, (sender, inbox), themes, settings, start).await.map(|_| ())
}

fn model(setup: Setup, complaints: Vec<String>, settings: &Settings) -> Model {
    let mut model = Model::new(setup, Timestamp::now());
    model.mouse = settings.mouse;
    for complaint in complaints {
        model.tell(Tone::Warning, complaint);
    }
    model
}

/// Takes the terminal and goes round the loop until the end.
async fn show(
    model: Model,
    world: World,
    (sender, inbox): (mpsc::Sender<Message>, mpsc::Receiver<Message>),
    themes: Vec<Theme>,
    settings: &Settings,
    start: Vec<Effect>,
) -> Result<Exit, String> {
    let terminal = Terminal::enter(settings.mouse).map_err(|error| error.to_string())?;
    terminal::watch(move || {
        // The loop keeps the session and ends; where it cannot, the watch ends the process.
        let _ = sender.try_send(Message::Stop);
    });
    let mut console = Console {
        model,
        world,
        terminal,
        themes,
        inbox,
        signals: Signals::new().map_err(|error| error.to_string())?,
        input: Some(Input::new()),
        wakes: BTreeSet::new(),
        dirty: true,
        urgent: true,
        drawn: Instant::now(),
        clipboard_command: settings.clipboard_command.clone(),
        gone: false,
    };
    let result = console.run(start).await;
    console.world.finish().await;
    if let Some(input) = console.input.take() {
        input.stop().await;
    }
    result.map(|()| std::mem::take(&mut console.model.exit)).map_err(|error| error.to_string())
}

fn misconfigured(runner: &Runner) -> Vec<Misconfigured> {
    let shown = runner.misconfigured().iter().map(|one| Misconfigured {
        name: if one.name.is_empty() { "(no name)".into() } else { one.name.clone() },
        vendor: one.vendor.clone(),
        reason: one.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    });
    shown.collect()
}

/// The keymap of the settings.
///
/// # Errors
/// Unknown actions, unreadable keys, conflicts.
pub fn keymap(settings: &Settings) -> Result<Keymap, Vec<String>> {
    Keymap::with_overrides(&settings.keys)
}

type Ready = (Setup, Vec<Theme>, Vec<String>);

fn connected(runner: &Runner) -> Vec<Connected> {
    let connected = runner.connections().iter().map(|opened| {
        let connection = &opened.connection;
        Connected {
            name: connection.name.clone(),
            vendor: opened.vendor.id.into(),
            title: opened.vendor.title.into(),
            environment: connection.environment.clone(),
            read_only: connection.read_only,
            active: connection.active,
            entry: opened.entry.clone(),
        }
    });
    connected.collect()
}

/// A console without connections.
fn setup(config_dir: &Path, settings: &Settings) -> Result<Ready, String> {
    let keymap = keymap(settings).map_err(|complaints| format!("The keys in settings.toml conflict:\n{}", complaints.join("\n")))?;
    let (themes, mut complaints) = themes(config_dir);
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let wanted = if no_colour { "mono".to_owned() } else { settings.theme.clone().unwrap_or_else(|| "ansi16".into()) };
    if !themes.iter().any(|theme| theme.name == wanted) {
        complaints.push(format!("There is no theme {wanted}; there are {}.", names(&themes).join(", ")));
    }
    let setup = Setup {
        connected: Vec::new(),
        misconfigured: Vec::new(),
        vendors: Vec::new(),
        keymap,
        themes: names(&themes),
        theme: wanted.clone(),
        given_theme: wanted,
        views: Vec::new(),
        playbooks: Vec::new(),
        read_only: settings.read_only,
        ascii: settings.ascii || plain_locale(),
        analyst: String::new(),
        zone: jiff::tz::TimeZone::system(),
        demo: false,
        alone: false,
        // A question that can be answered at once protects nobody.
        arm_millis: i64::try_from(settings.arm_delay_ms).unwrap_or(800).clamp(200, 10_000),
        templates: settings.note_templates.clone(),
        tell: settings.write_back,
    };
    Ok((setup, themes, complaints))
}

/// Whether the locale says outright that text is not UTF-8. One that says nothing is taken for a UTF-8 one, as nearly all are.
fn plain_locale() -> bool {
    let named = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    named.is_some_and(|locale| !locale.to_lowercase().replace('-', "").contains("utf8"))
}

fn names(themes: &[Theme]) -> Vec<String> {
    themes.iter().map(|theme| theme.name.clone()).collect()
}

/// The themes that come along, and the user's over them.
fn themes(config_dir: &Path) -> (Vec<Theme>, Vec<String>) {
    let mut themes = Theme::embedded();
    let mut complaints = Vec::new();
    let dir = config_dir.join("themes");
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        match std::fs::read_to_string(&path).map_err(|error| error.to_string()).and_then(|text| Theme::parse(&text)) {
            Ok(mut theme) => {
                if theme.name.is_empty() {
                    theme.name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
                }
                themes.retain(|known| known.name != theme.name);
                themes.push(theme);
            }
            Err(message) => complaints.push(format!("{}: {message}", path.display())),
        }
    }
    (themes, complaints)
}

struct Console {
    model: Model,
    world: World,
    terminal: Terminal,
    themes: Vec<Theme>,
    inbox: mpsc::Receiver<Message>,
    signals: Signals,
    /// None while a program outside has the terminal: a living stream would steal its keys.
    input: Option<Input>,
    wakes: BTreeSet<Timestamp>,
    dirty: bool,
    urgent: bool,
    drawn: Instant,
    clipboard_command: Option<Vec<String>>,
    /// Whether the terminal has vanished.
    gone: bool,
}

/// What is typed, read by a task of its own: crossterm's stream remembers only one waker, so it must not be polled from several places.
struct Input {
    events: mpsc::Receiver<std::io::Result<Event>>,
    reading: JoinHandle<()>,
}

impl Input {
    fn new() -> Self {
        let (sender, events) = mpsc::channel(WAITING);
        let reading = tokio::spawn(async move {
            let mut stream = EventStream::new();
            while let Some(event) = stream.next().await {
                let ended = event.is_err();
                if sender.send(event).await.is_err() || ended {
                    return;
                }
            }
        });
        Self { events, reading }
    }

    /// Stops reading; when this returns, the terminal's keys are nobody's.
    async fn stop(self) {
        self.reading.abort();
        let _ = self.reading.await;
    }
}

/// What woke the loop.
enum Woken {
    Message(Message),
    Input(Option<std::io::Result<Event>>),
    Stop,
    Suspend,
    Continued,
    /// The terminal took what was written.
    Taken,
    Time,
}

struct Signals {
    term: Signal,
    hup: Signal,
    int: Signal,
    quit: Signal,
    stop: Signal,
    cont: Signal,
    /// Until when an interrupt is taken for one that was meant for a program outside.
    theirs_until: Instant,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            hup: signal(SignalKind::hangup())?,
            int: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            stop: signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP))?,
            cont: signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?,
            theirs_until: Instant::now(),
        })
    }

    async fn next(&mut self) -> Woken {
        loop {
            let interrupts = tokio::select! {
                _ = self.term.recv() => false,
                _ = self.hup.recv() => false,
                _ = self.int.recv() => true,
                _ = self.quit.recv() => true,
                _ = self.stop.recv() => return Woken::Suspend,
                _ = self.cont.recv() => return Woken::Continued,
            };
            if !interrupts || Instant::now() >= self.theirs_until {
                return Woken::Stop;
            }
        }
    }

    /// Waits for a program that has the terminal; gives nothing where we are told to end meanwhile.
    async fn beside<T>(&mut self, program: impl Future<Output = T>) -> Option<T> {
        let ended = tokio::select! {
            ended = program => Some(ended),
            () = self.until_told_to_end() => None,
        };
        self.theirs_until = Instant::now() + STRAY;
        ended
    }

    /// What a program outside is interrupted or stopped by reaches us too: the one is meant for it alone, the other for both. Returns when
    /// we are told to end.
    async fn until_told_to_end(&mut self) {
        loop {
            tokio::select! {
                _ = self.term.recv() => return,
                _ = self.hup.recv() => return,
                _ = self.int.recv() => {}
                _ = self.quit.recv() => {}
                _ = self.cont.recv() => {}
                _ = self.stop.recv() => {
                    if terminal::can_suspend() {
                        let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP);
                    }
                }
            }
        }
    }
}

impl Console {
    async fn run(&mut self, start: Vec<Effect>) -> std::io::Result<()> {
        for effect in start {
            self.perform(effect).await;
        }
        self.message(Message::Resized(Terminal::size().0, Terminal::size().1)).await;
        while !self.model.leaving {
            self.draw();
            let woken = self.wait().await;
            self.take(woken).await;
            self.drain().await;
        }
        Ok(())
    }

    async fn wait(&mut self) -> Woken {
        let now = Timestamp::now();
        let next = ui::time::next_change(now, self.model.tasks.running().next().is_some())
            .min(self.wakes.first().copied().unwrap_or(Timestamp::MAX));
        let millis = u64::try_from(next.as_millisecond() - now.as_millisecond() + 1).unwrap_or(1);
        let mut deadline = Instant::now() + Duration::from_millis(millis);
        let busy = terminal::is_busy();
        if self.dirty && !busy {
            deadline = deadline.min(self.drawn + PACE);
        }
        let input = async {
            match self.input.as_mut() {
                Some(input) => input.events.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(message) = self.inbox.recv() => Woken::Message(message),
            event = input => Woken::Input(event),
            woken = self.signals.next() => woken,
            () = terminal::taken(), if busy => Woken::Taken,
            () = tokio::time::sleep_until(deadline) => Woken::Time,
        }
    }

    async fn take(&mut self, woken: Woken) {
        match woken {
            Woken::Message(message) => self.message(message).await,
            Woken::Input(Some(Ok(event))) => {
                self.urgent = true;
                if let Some(message) = read(event) {
                    self.message(message).await;
                }
            }
            // No more input: the terminal is gone.
            Woken::Input(_) => {
                self.gone = true;
                self.input = None;
                self.message(Message::Stop).await;
            }
            Woken::Stop => self.message(Message::Stop).await,
            Woken::Suspend => self.suspend().await,
            Woken::Continued => {
                // Somebody stopped us without asking; the shell has had the terminal since.
                if self.terminal.take().is_ok() {
                    self.dirty = true;
                    self.urgent = true;
                }
            }
            Woken::Taken => {}
            Woken::Time => {
                let now = Timestamp::now();
                if self.wakes.first().is_some_and(|wake| *wake <= now) {
                    self.wakes = self.wakes.split_off(&now);
                    self.wakes.remove(&now);
                    self.urgent = true;
                }
                self.message(Message::Tick).await;
            }
        }
    }

    /// Takes what waits already, so that it is drawn once.
    async fn drain(&mut self) {
        for _ in 0..200 {
            if self.model.leaving {
                return;
            }
            if let Ok(message) = self.inbox.try_recv() {
                self.message(message).await;
                continue;
            }
            match self.input.as_mut().map(|input| input.events.try_recv()) {
                Some(Ok(event)) => self.take(Woken::Input(Some(event))).await,
                _ => return,
            }
        }
    }

    async fn message(&mut self, message: Message) {
        self.model.now = Timestamp::now();
        self.dirty = true;
        // Somebody waits for these, as for the answer to a key.
        self.urgent |= matches!(message, Message::Read(..) | Message::Worked(_) | Message::Opened(..));
        let effects = update(&mut self.model, message);
        for effect in effects {
            self.perform(effect).await;
        }
    }

    async fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Wake(at) => {
                self.wakes.insert(at);
            }
            Effect::Copy(text) => match clipboard::copy(&text, self.clipboard_command.as_deref()) {
                Ok(done) => self.model.tell(Tone::Done, done),
                Err(message) => self.model.tell(Tone::Error, message),
            },
            Effect::Outside(program, text) => self.outside(&program, text).await,
            Effect::Mouse(on) => {
                if self.terminal.set_mouse(on).is_ok() {
                    self.model
                        .tell(Tone::Info, if on { "The mouse is on; shift selects text in most terminals." } else { "The mouse is off." });
                }
            }
            Effect::Redraw => self.terminal.forget(),
            Effect::Suspend => self.suspend().await,
            Effect::Quit => {}
            other => self.world.perform(other),
        }
    }

    async fn outside(&mut self, program: &Outside, text: Text) {
        if let Some(input) = self.input.take() {
            input.stop().await;
        }
        self.terminal.leave();
        let (variable, usual) = if *program == Outside::Editor { ("EDITOR", "vi") } else { ("PAGER", "less") };
        let Some(shown) = self.signals.beside(shell::show(variable, usual, text)).await else {
            // Boxed, since what a message asks for may be a program outside.
            Box::pin(self.message(Message::Stop)).await;
            return;
        };
        if self.terminal.take().is_err() {
            self.model.leaving = true;
            return;
        }
        self.input = Some(Input::new());
        self.dirty = true;
        self.urgent = true;
        if let Err(message) = shown {
            self.model.tell(Tone::Error, message);
        }
    }

    async fn suspend(&mut self) {
        if !terminal::can_suspend() {
            self.model.tell(Tone::Warning, "No shell is behind this console that could bring it back; it stays.");
            return;
        }
        if let Some(input) = self.input.take() {
            input.stop().await;
        }
        self.terminal.leave();
        let stopped = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP);
        if stopped.is_err() {
            self.model.tell(Tone::Error, "The console could not be stopped.");
        }
        if self.terminal.take().is_err() {
            self.model.leaving = true;
            return;
        }
        self.input = Some(Input::new());
        self.model.size = Terminal::size();
        self.dirty = true;
        self.urgent = true;
    }

    fn draw(&mut self) {
        // What a terminal has not taken yet is followed by one frame, however much changes meanwhile.
        if !self.dirty || self.gone || terminal::is_busy() || (!self.urgent && self.drawn.elapsed() < PACE) {
            return;
        }
        let mut frame = Buffer::empty(Terminal::area(self.model.size));
        let theme = self.themes.iter().find(|theme| theme.name == self.model.setup.theme).or_else(|| self.themes.first());
        let Some(theme) = theme else { return };
        let (screen, cursor) = ui::draw(&self.model, theme, &mut frame);
        self.model.settle(screen);
        if self.terminal.show(frame, cursor).is_err() {
            self.gone = true;
            self.model.leaving = true;
        }
        self.dirty = false;
        self.urgent = false;
        self.drawn = Instant::now();
    }
}

/// What an event of the terminal means to us.
fn read(event: Event) -> Option<Message> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => {
            let code = match key.code {
                KeyCode::Char(c) => Code::Char(c),
                KeyCode::Enter => Code::Enter,
                KeyCode::Esc => Code::Esc,
                KeyCode::Tab => Code::Tab,
                KeyCode::BackTab => Code::BackTab,
                KeyCode::Backspace => Code::Backspace,
                KeyCode::Delete => Code::Delete,
                KeyCode::Insert => Code::Insert,
                KeyCode::Up => Code::Up,
                KeyCode::Down => Code::Down,
                KeyCode::Left => Code::Left,
                KeyCode::Right => Code::Right,
                KeyCode::Home => Code::Home,
                KeyCode::End => Code::End,
                KeyCode::PageUp => Code::PageUp,
                KeyCode::PageDown => Code::PageDown,
                KeyCode::F(number) => Code::F(number),
                _ => return None,
            };
            let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
            let alt = key.modifiers.contains(KeyModifiers::ALT);
            Some(Message::Key(Key { code, ctrl, alt, shift: false }))
        }
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(width, height) => Some(Message::Resized(width, height)),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::ScrollDown => Some(Message::Scroll(3)),
            MouseEventKind::ScrollUp => Some(Message::Scroll(-3)),
            _ => None,
        },
        _ => None,
    }
}
