//! What a model tells of its thinking, as far as it is kept.
//!
//! Owns: how much. Does not: show or store it.

/// Thoughts beyond this are not kept; in bytes. Summaries of thinking have one to four kB; all of a conversation is loaded with
/// every change, so that more would cost time.
pub const LONGEST: usize = 16 * 1024;

/// Stands where the rest was left out.
const CUT: &str = " […]";

/// Adds `piece` to the thoughts that are kept, as far as there is room, and says once that there was none.
pub fn add(kept: &mut String, piece: &str) {
    let Some(room) = LONGEST.checked_sub(kept.len()).filter(|room| *room > 0) else { return };
    let part = &piece[..piece.floor_char_boundary(room)];
    kept.push_str(part);
    if part.len() < piece.len() {
        kept.push_str(CUT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_left_out_and_said_once() {
        let mut kept = String::new();
        for _ in 0..LONGEST {
            add(&mut kept, "äöü");
        }
        assert!(kept.len() <= LONGEST + CUT.len() && kept.ends_with(CUT), "{}", kept.len());
        assert_eq!(kept.matches(CUT).count(), 1);
        let mut exact = "x".repeat(LONGEST - 1);
        add(&mut exact, "y");
        add(&mut exact, "z");
        assert_eq!(exact.len(), LONGEST, "what fits is whole");
    }
}
