//! What the screens of a busy night cost on the line, counted with the encoder that the terminal gets.

use std::sync::Arc;

use crossterm::event::KeyCode;
use ratatui::Terminal;
use ratatui::layout::Size;

use super::world::{NOW, World, snapshot, with_detail};
use crate::domain::alert::Severity;
use crate::domain::text::Repertoire;
use crate::engine::backend::{Snapshot, SopDocument};
use crate::tui::draw::draw;
use crate::tui::encoder::{ColorDepth, Encoder};
use crate::tui::look::Look;
use crate::tui::msg::{Loaded, Msg, Timer};
use crate::tui::theme::Bundled;

const SIZE: (u16, u16) = (120, 40);
/// Incidents that are loaded.
const INCIDENTS: i64 = 120;

/// What an alert is called, and the SOP that is for it.
const KINDS: [(&str, &str); 5] = [
    ("DiskFull", include_str!("../../../sops/disk-full.md")),
    ("WorkerCrashLoop", include_str!("../../../sops/worker-crash-loop.md")),
    ("CertificateExpiringSoon", include_str!("../../../sops/certificate-expiring.md")),
    ("TargetDown", include_str!("../../../sops/prometheus-target-down.md")),
    ("HighHttp5xxRate", include_str!("../../../sops/http-5xx-rate.md")),
];

fn kind(id: i64) -> (&'static str, &'static str) {
    // Mixed, so that rows are not alike at any distance.
    let mixed = u64::try_from(id).unwrap().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    KINDS[usize::try_from(mixed).unwrap() % KINDS.len()]
}

/// A queue of one severity in which every row is another problem elsewhere, one incident of it in full.
fn storm(id: i64) -> Loaded {
    let mut facts: Snapshot = with_detail(snapshot(1..=INCIDENTS), id);
    for row in &mut facts.queue.rows {
        let n = 4 * (10_000 - row.id.0);
        row.title = format!("{} eu{} team-{}/service-{n}", kind(row.id.0).0, n % 7, n % 90);
        row.severity = Severity::Critical;
        row.opened_at = NOW.minus(std::time::Duration::from_secs(u64::try_from(n).unwrap()));
    }
    let incident = &mut facts.detail.as_mut().unwrap().record;
    let row = facts.queue.rows.iter().find(|row| row.id.0 == id).unwrap();
    row.title.clone_into(&mut incident.incident.title);
    let labels = &mut incident.alerts[0].labels;
    for (name, value) in [("cluster", "eu1"), ("instance", &format!("10.1.{}.{}:9100", id / 9, id % 250))] {
        labels.insert(name.to_owned(), value.to_owned());
    }
    labels.insert("service".to_owned(), format!("service-{id}"));
    let procedure = crate::domain::sop::parse(&kind(id).0.into(), kind(id).1.as_bytes());
    let document = SopDocument { procedure, source: String::new(), place: "bundled".to_owned() };
    Loaded { snapshot: facts, sop: Ok(Some(Arc::new(document))) }
}

/// A console, and what it has sent to its terminal.
struct Line {
    world: World,
    terminal: Terminal<Encoder>,
    look: Look,
}

impl Line {
    fn new() -> Self {
        let encoder = Encoder::new(Size::new(SIZE.0, SIZE.1), ColorDepth::Ansi256, Repertoire::Unicode);
        let Ok(terminal) = Terminal::new(encoder);
        let look = Look::new(Bundled::Dark.styles().unwrap(), Repertoire::Unicode);
        let mut line = Self { world: World::new(SIZE.0, SIZE.1), terminal, look };
        line.answer();
        line
    }

    /// Answers what the console asks for, until it asks for nothing more.
    fn answer(&mut self) {
        while self.world.model.ui.loading.in_flight {
            let selected = self.world.model.ui.queue.selected.map_or(1, |id| id.0);
            let generation = self.world.model.ui.loading.generation;
            self.world.send(Msg::Loaded { generation, result: Ok(Box::new(storm(selected))) });
        }
    }

    /// The bytes of a frame.
    fn frame(&mut self) -> Vec<u8> {
        let (model, look) = (&self.world.model, &self.look);
        let Ok(_) = self.terminal.draw(|frame| draw(frame.buffer_mut(), model, look));
        self.terminal.backend_mut().take()
    }

    /// The cursor has rested for as long as what comes next waits for.
    fn rest(&mut self) -> Vec<u8> {
        let timer = self.world.model.ui.queue.settling.expect("something waits").timer;
        self.world.send(Msg::Woken(Timer::Settle(timer)));
        self.answer();
        self.frame()
    }
}

#[test]
fn a_turned_page_and_its_details_take_few_bytes() {
    let mut line = Line::new();
    let first = line.frame().len();
    assert!(first <= 6_000, "the first frame has {first} bytes");
    let rows = line.world.model.queue_rows();
    let mut turns = 0;
    for press in 1..=4 * rows {
        let top = line.world.model.ui.queue.top;
        line.world.press(KeyCode::Down);
        let echo = line.frame().len();
        assert!(echo <= 250, "press {press}: {echo} bytes");
        let followed = line.rest().len();
        if line.world.model.ui.queue.top == top {
            continue;
        }
        turns += 1;
        println!("press {press}: page and details {followed} bytes");
        // Where every row and every line of the document is another one, almost all of it is text.
        assert!(followed <= 3_100, "press {press}: {followed} bytes");
    }
    assert!(turns >= 3, "{turns} pages were turned");
}
