//! Bad input from all sides, into the real console on a pseudo-terminal: answers that are none, connections that break, text
//! that is made to deceive a terminal, documents that are too large, a disk that is full.
//!
//! After each of them the person can read what happened, why, and what to do; nothing is lost, the next question and the
//! next alert are taken, the terminal got nothing but printable text and the console's own sequences, and the console ends
//! as it always does.

mod answers;
mod bytes;
mod desk;
mod disk;
mod documents;
mod hostile;
mod keys;
mod peer;
mod tried_again;
