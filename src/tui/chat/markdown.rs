//! Markdown as styled lines: one block, or a few, of at most `scan::LIMIT` bytes.
//!
//! Owns: what headings, lists, quotes, links, tables and emphasis look like in a terminal. Invariants: what is written is
//! shown: HTML as its text, links with their destination, definitions of links as they stand; nesting costs no more room
//! than half of the line, however deep it is, and no recursion. Does not: cut text into blocks (see `scan`).

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd, TextMergeWithOffset};

use super::colours::Colours;
use super::rendered::Rendered;
use super::table::Table;
use super::text::{Breaks, Line, Paper, Role, Span, Stress, flow, width};
use crate::domain::chat::statements::BlockStart;
use crate::domain::text::{Repertoire, visible_in};

/// Quotes and list items deeper than this are not indented further.
const DEEPEST: usize = 8;
/// Columns of a rule.
const RULE: usize = 24;

/// Appends the lines of `markdown`, which stands at byte `base` of its message, to `out`.
pub(super) fn render(markdown: &str, base: BlockStart, out: &mut Rendered, paper: Paper, colours: &Colours) {
    let parser = Parser::new_ext(markdown, Options::ENABLE_TABLES);
    let mut definitions: Vec<(usize, String)> = parser
        .reference_definitions()
        .iter()
        .map(|(_, definition)| (definition.span.start, markdown[definition.span.clone()].trim().to_owned()))
        .collect();
    definitions.sort_unstable();
    let mut writer = Writer::new(out, paper, colours);
    for (event, range) in TextMergeWithOffset::new(parser.into_offset_iter()) {
        writer.at(&event, base + range.start);
        writer.event(event);
    }
    writer.flush();
    for (_, definition) in definitions {
        writer.begin();
        writer.literal(&definition, Role::Muted);
        writer.flush();
    }
}

/// Something that stands left of its content.
#[derive(Clone, Debug)]
enum Container {
    Quote,
    Item {
        marker: String,
        /// Whether the marker is still to be written.
        pending: bool,
    },
}

struct Writer<'a> {
    out: &'a mut Rendered,
    paper: Paper,
    colours: &'a Colours,
    containers: Vec<Container>,
    /// A quote has begun and has no line yet: what comes first in it needs no gap.
    fresh_quote: bool,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// The line that is being written, not wrapped yet.
    inline: Vec<Span>,
    emphasis: usize,
    strong: usize,
    heading: bool,
    /// Destinations of open links, and where in `inline` their words begin.
    links: Vec<(String, usize)>,
    code: Option<(String, String)>,
    table: Option<Table>,
    cells: Vec<Vec<Span>>,
    /// Where the words begin that have no line yet.
    at: Option<BlockStart>,
}

impl<'a> Writer<'a> {
    const fn new(out: &'a mut Rendered, paper: Paper, colours: &'a Colours) -> Self {
        Self {
            out,
            paper,
            colours,
            containers: Vec::new(),
            fresh_quote: false,
            lists: Vec::new(),
            inline: Vec::new(),
            emphasis: 0,
            strong: 0,
            heading: false,
            links: Vec::new(),
            code: None,
            table: None,
            cells: Vec::new(),
            at: None,
        }
    }

    /// Notes where a block begins: at its first words; a table where it stands.
    fn at(&mut self, event: &Event<'_>, at: BlockStart) {
        let begins = match event {
            Event::Text(_) | Event::Code(_) | Event::InlineHtml(_) | Event::Html(_) => {
                self.code.is_none() && !self.heading && self.table.is_none()
            }
            Event::Start(Tag::Table(_)) => {
                self.flush();
                true
            }
            _ => false,
        };
        if begins {
            self.at.get_or_insert(at);
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.words(&text),
            },
            Event::Code(code) => self.literal(&code, Role::Code),
            Event::InlineHtml(html) => self.literal(&html, self.role()),
            Event::Html(html) => {
                for line in html.trim_end_matches('\n').split('\n') {
                    self.literal(line, Role::Muted);
                    self.flush();
                }
            }
            Event::SoftBreak => self.inline.push(Span::new(" ", self.role())),
            Event::HardBreak if self.table.is_none() => self.flush(),
            Event::HardBreak => self.inline.push(Span::new(" ", self.role())),
            Event::Rule => {
                self.begin();
                let across = match self.paper.repertoire {
                    Repertoire::Unicode => "─",
                    Repertoire::Narrow | Repertoire::Ascii => "-",
                };
                self.inline.push(Span::new(across.repeat(RULE.min(self.paper.width)), Role::Muted));
                self.flush();
            }
            // These are not switched on; should they come, what they say is shown.
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => self.words(&text),
            Event::TaskListMarker(done) => self.inline.push(Span::new(if done { "[x] " } else { "[ ] " }, Role::Text)),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.begin(),
            Tag::Heading { .. } => {
                self.begin();
                self.heading = true;
            }
            Tag::BlockQuote(_) => {
                self.begin();
                self.containers.push(Container::Quote);
                self.fresh_quote = true;
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                let info = match kind {
                    CodeBlockKind::Fenced(info) => Some(info.into_string()),
                    CodeBlockKind::Indented => None,
                };
                // A block that is only indented cannot be proposed from: it is set like code and not numbered.
                self.code = Some((info.unwrap_or_else(|| INDENTED.to_owned()), String::new()));
            }
            Tag::List(first) => {
                if self.lists.is_empty() && !self.pending() {
                    self.begin();
                } else {
                    self.flush();
                }
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::Table(_) => {
                self.begin();
                self.table = Some(Table::default());
            }
            Tag::Emphasis => self.emphasis += 1,
            Tag::Strong => self.strong += 1,
            Tag::Link { link_type, dest_url, title, .. } => {
                let address = if link_type == LinkType::Email { String::new() } else { destination(&dest_url, &title) };
                self.links.push((address, self.inline.len()));
            }
            Tag::Image { dest_url, title, .. } => {
                self.inline.push(Span::new("image: ", Role::Muted));
                self.links.push((destination(&dest_url, &title), self.inline.len()));
            }
            Tag::TableHead
            | Tag::TableRow
            | Tag::TableCell
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.flush(),
            TagEnd::Heading(_) => {
                self.flush();
                self.heading = false;
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.containers.pop();
            }
            TagEnd::Item => {
                if self.pending() {
                    // An empty item has a line too.
                    self.inline.push(Span::default());
                }
                self.flush();
                self.containers.pop();
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::CodeBlock => self.code_ends(),
            TagEnd::TableCell => self.cells.push(std::mem::take(&mut self.inline)),
            TagEnd::TableHead => {
                if let Some(table) = &mut self.table {
                    table.head = std::mem::take(&mut self.cells);
                }
            }
            TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(std::mem::take(&mut self.cells));
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    let prefix = self.prefix();
                    let mut lines = table.lay_out(&prefix, self.paper);
                    let at = self.at.take();
                    if let Some(first) = lines.first_mut() {
                        first.at = at;
                    }
                    self.out.prose(lines);
                }
            }
            TagEnd::Emphasis => self.emphasis = self.emphasis.saturating_sub(1),
            TagEnd::Strong => self.strong = self.strong.saturating_sub(1),
            TagEnd::Link | TagEnd::Image => self.link_ends(),
            _ => {}
        }
    }

    fn item(&mut self) {
        self.flush();
        let bullet = match self.paper.repertoire {
            Repertoire::Unicode => "• ",
            Repertoire::Narrow | Repertoire::Ascii => "* ",
        };
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
            _ => bullet.to_owned(),
        };
        self.containers.push(Container::Item { marker, pending: true });
    }

    fn code_ends(&mut self) {
        let Some((info, code)) = self.code.take() else { return };
        let prefix = self.prefix();
        if info == INDENTED {
            self.out.gap(&[]);
            let lines = code.trim_end_matches('\n').split('\n').flat_map(|line| {
                let span = Span::new(visible_in(line, self.paper.repertoire), Role::Code);
                flow(&[span], self.paper.width, &prefix, &prefix, Breaks::Anywhere)
            });
            let lines: Vec<Line> = lines.collect();
            return self.out.prose(lines);
        }
        self.out.code_begins(&prefix);
        self.out.info(&info, &prefix, self.paper);
        self.out.code(&info, &code, &prefix, self.paper, self.colours);
    }

    fn link_ends(&mut self) {
        let Some((address, from)) = self.links.pop() else { return };
        let shown: String = self.inline.iter().skip(from).map(|span| span.text.as_str()).collect();
        let address = visible_in(&address, self.paper.repertoire);
        for span in self.inline.iter_mut().skip(from).filter(|span| span.role == Role::Text) {
            span.role = Role::Link;
        }
        if !address.is_empty() && shown != address {
            self.inline.push(Span::new(format!(" ({address})"), Role::Url));
        }
    }

    /// Plain words: citations in them are found.
    fn words(&mut self, words: &str) {
        let span = Span { role: self.role(), stress: self.stress(), ..Span::default() };
        let spans = self.out.words(words, &span, self.paper);
        self.inline.extend(spans);
    }

    /// Words that mean nothing but themselves.
    fn literal(&mut self, words: &str, role: Role) {
        let text = visible_in(words, self.paper.repertoire).into_owned();
        self.inline.push(Span { text, role, stress: self.stress(), citation: None });
    }

    const fn role(&self) -> Role {
        if self.heading { Role::Heading } else { Role::Text }
    }

    const fn stress(&self) -> Stress {
        match (self.emphasis > 0, self.strong > 0) {
            (false, false) => Stress::None,
            (true, false) => Stress::Emphasis,
            (false, true) => Stress::Strong,
            (true, true) => Stress::Both,
        }
    }

    /// Whether the mark of a list item waits for its first line.
    fn pending(&self) -> bool {
        self.containers.iter().any(|container| matches!(container, Container::Item { pending: true, .. }))
    }

    /// A block begins: what was written is a line of its own, and a gap parts the two unless an item just began.
    fn begin(&mut self) {
        self.flush();
        if !std::mem::take(&mut self.fresh_quote) && !self.pending() {
            let gap: Vec<Span> = if self.containers.iter().any(|one| matches!(one, Container::Quote)) {
                self.prefix()
            } else {
                Vec::new()
            };
            self.out.gap(&gap);
        }
    }

    /// Ends the line that is being written.
    fn flush(&mut self) {
        if self.inline.is_empty() {
            return;
        }
        let spans = std::mem::take(&mut self.inline);
        // A link goes on in the next line.
        self.links.iter_mut().for_each(|(_, from)| *from = 0);
        let first = self.prefix();
        let rest = self.prefix();
        let mut lines = flow(&spans, self.paper.width, &first, &rest, Breaks::AtSpaces);
        let at = self.at.take();
        if let Some(first) = lines.first_mut() {
            first.at = at;
        }
        self.out.prose(lines);
    }

    /// What stands before the next line. A mark of a list stands there once.
    fn prefix(&mut self) -> Vec<Span> {
        let bar = match self.paper.repertoire {
            Repertoire::Unicode => "▎ ",
            Repertoire::Narrow | Repertoire::Ascii => "> ",
        };
        let mut spans = Vec::new();
        for container in self.containers.iter_mut().take(DEEPEST) {
            let next = match container {
                Container::Quote => Span::new(bar, Role::Muted),
                Container::Item { marker, pending } if *pending => {
                    *pending = false;
                    Span::new(marker.as_str(), Role::Muted)
                }
                Container::Item { marker, .. } => Span::new(" ".repeat(marker.chars().count()), Role::Text),
            };
            if width(&spans) + width(std::slice::from_ref(&next)) <= self.paper.width / 2 {
                spans.push(next);
            }
        }
        // Marks of items that lie deeper have no place, but must not wait for ever.
        for container in self.containers.iter_mut().skip(DEEPEST) {
            if let Container::Item { pending, .. } = container {
                *pending = false;
            }
        }
        spans
    }
}

/// Stands for the info of a block that has no fence; no info contains a line break.
const INDENTED: &str = "\n";

fn destination(address: &str, title: &str) -> String {
    if title.is_empty() { address.to_owned() } else { format!("{address} \"{title}\"") }
}
