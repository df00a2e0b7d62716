//! The console over a link of 64 kbit/s: a real ssh connection through a proxy that lets so much through and no more.
//!
//! How long a key's echo takes is printed, not asserted; that every echo comes, and that output goes on meanwhile, is.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio::time::MissedTickBehavior;

use super::pty::Console;
use super::scene::Scene;
use super::sshd::{Programs, Sshd};

const AIOPS: &str = env!("CARGO_BIN_EXE_aiops");

/// Bytes a second: 64 kbit/s.
const RATE: usize = 8_000;
/// The proxy passes on a share of these this often.
const TICK: Duration = Duration::from_millis(10);
/// Keys of which the echo is measured; they fit on one line of the chat.
const KEYS: usize = 40;
/// A person types a key about this often.
const TYPING: Duration = Duration::from_millis(120);

/// A slow way to a port of this host, as long as its runtime is there.
fn slow_way(runtime: &Runtime, to: u16) -> u16 {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpSocket::new_v4().unwrap();
            // Like a modem, it has no room for what is to come later: that stays with the sender.
            server.set_recv_buffer_size(2_304).unwrap();
            let server = server.connect(([127, 0, 0, 1], to).into()).await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
            tokio::spawn(async move {
                let mut ticks = tokio::time::interval(TICK);
                // What was not sent while there was nothing to send is not made up for.
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                let mut piece = [0; RATE / 100];
                loop {
                    ticks.tick().await;
                    match from_server.read(&mut piece).await {
                        Ok(0) | Err(_) => return,
                        Ok(count) => {
                            if to_client.write_all(&piece[..count]).await.is_err() {
                                return;
                            }
                        }
                    }
                }
            });
        }
    });
    port
}

/// How long each echo took while output was streaming, shortest first.
fn echoes(programs: &Programs) -> (Vec<Duration>, usize) {
    let scene = Scene::noisy();
    let sshd = Sshd::start(programs, &scene.home, &[AIOPS, "--config", &scene.config]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut console = sshd.login_through(slow_way(&runtime, sshd.port()), &scene.home, 200, 50);
    scene.approve_slow_fix(&mut console);
    console.type_keys("3i");
    let before = console.raw().len();
    let mut times: Vec<Duration> = (1..=KEYS).map(|count| echo(&mut console, count)).collect();
    let bytes = console.raw().len() - before;
    assert!(bytes > 10 * KEYS, "output went on meanwhile");
    scene.release();
    console.wait_text("Attempt 1 exit 0");
    times.sort();
    (times, bytes)
}

fn echo(console: &mut Console, count: usize) -> Duration {
    std::thread::sleep(TYPING);
    let pressed = Instant::now();
    console.type_keys("x");
    console.wait("the echo", |screen| screen.contains(&"x".repeat(count)));
    pressed.elapsed()
}

#[test]
fn echoes_come_first_on_a_slow_link() {
    let Some(programs) = Programs::installed("echoes_come_first_on_a_slow_link") else { return };
    let (times, bytes) = echoes(&programs);
    let (p50, p99) = (times[KEYS / 2], times[KEYS * 99 / 100]);
    println!("echo at {RATE} B/s with output streaming: p50 {p50:?}, p99 {p99:?}, {bytes} bytes drawn");
    assert_eq!(times.len(), KEYS);
}
