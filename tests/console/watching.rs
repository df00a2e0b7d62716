//! Runs that look at real sources with the real program: a Prometheus decides a branch and ends a wait, a log file verifies,
//! and a console that is killed meanwhile goes on where it was.

use std::path::Path;

use aiops::domain::time::Timestamp;
use nix::sys::signal::Signal;
use serde_json::Value;

use super::pipeline::{eventually, until_accepted};
use super::pty::{Console, Home};
use super::receiver::{body, free_port};
use super::support::{PrometheusProcess, Target, installed, until};

const SOP: &str = "+++\ntitle = \"Queue is long\"\nalerts = [\"QueueIsLong\"]\n+++\n\n# Queue is long\n\n## Diagnosis\n\n1. See how \
                   long it is:\n\n   ```promql\n   queue_depth{queue=\"<queue>\"}\n   ```\n\n2. Is the depth above 100?\n   - If \
                   yes, wait until the depth is below 10, at most 30 minutes, every 1 s:\n     ```promql\n     \
                   queue_depth{queue=\"<queue>\"}\n     ```\n   - Otherwise, call the owner.\n\n## Verify\n\n1. Verify that the \
                   log of worker shows no `panic` in the last 5 minutes.\n";

fn scraping(target: &Target) -> String {
    format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: shop\n  static_configs: [{{targets: ['{}']}}]\n",
        target.address
    )
}

/// The run, as programs read it.
fn run(home: &Home, config: &str) -> Option<Value> {
    let output = home.run(&["--config", config, "--json", "runs", "story", "1"]);
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

fn state(run: &Value, item: usize) -> &str {
    run["items"][item]["state"]["state"].as_str().unwrap_or_default()
}

fn write_log(file: &Path) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap()).to_rfc3339();
    std::fs::write(file, format!("{now} \u{1b}]52;c;x\u{7} started\n{now} no Panic\n")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_value_decides_a_branch_a_killed_console_waits_on_and_a_log_verifies() {
    let name = "a_real_value_decides_a_branch_a_killed_console_waits_on_and_a_log_verifies";
    let Some(program) = installed("prometheus", name) else { return };
    let target = Target::start(250);
    let prometheus = PrometheusProcess::start(&program, &scraping(&target)).await;
    let client = super::support::client();
    let asked = format!("{}/api/v1/query?query=queue_depth", prometheus.url());
    until("the first value", || async {
        client.get(&asked).send().await.unwrap().text().await.unwrap().contains("250")
    })
    .await;
    let home = Home::new();
    let (sops, log) = (home.path().join("runbooks"), home.path().join("worker.log"));
    std::fs::create_dir_all(&sops).unwrap();
    std::fs::write(sops.join("queue.md"), SOP).unwrap();
    write_log(&log);
    let port = free_port();
    let config = home.configure(&format!(
        "[receiver]\nlisten = \"127.0.0.1:{port}\"\n[sops]\ndirectories = [\"{}\"]\n[run]\ntarget_name = \"box\"\n\
         [[prometheus]]\nname = \"prom\"\nurl = \"{}\"\n[[logs]]\nname = \"worker\"\nfiles = [\"{}\"]\n",
        sops.display(),
        prometheus.url(),
        log.display()
    ));
    let config = config.display().to_string();
    let mut console = Console::start(&home, 120, 40, &["--config", &config]);
    console.wait_text("webhook");
    until_accepted(
        port,
        &body("firing", &[("alertname", "QueueIsLong"), ("severity", "critical"), ("queue", "orders")]),
    );
    console.wait_text("2 SOP Queue is long");
    console.type_keys("2R");
    console.wait_text("Begin a run of Queue is long");
    console.type_keys("\r");
    console.wait_text("run 1 waits");
    let begun = run(&home, &config).unwrap();
    assert_eq!((state(&begun, 0), state(&begun, 1), state(&begun, 2)), ("done", "decided", "waiting"), "{begun:#}");
    let proof = &begun["items"][1]["state"]["basis"]["proof"];
    let query = "queue_depth{queue=\"orders\"}";
    let expected = serde_json::json!(["250", ">", "100", query]);
    assert_eq!(serde_json::json!([proof["value"], proof["operator"], proof["threshold"], proof["query"]]), expected);
    let until_then = begun["items"][2]["state"]["until"].clone();

    console.signal(Signal::SIGKILL);
    console.wait_exit();
    drop(console);
    let mut console = Console::start(&home, 120, 40, &["--config", &config, "--fresh"]);
    console.wait_text("run 1 waits");
    let again = run(&home, &config).unwrap();
    assert_eq!(
        (state(&again, 2), &again["items"][2]["state"]["until"]),
        ("waiting", &until_then),
        "it does not begin anew"
    );

    target.set_depth(3);
    eventually("the end of the run", || run(&home, &config).is_some_and(|run| run["state"]["state"] == "ended"));
    let ended = run(&home, &config).unwrap();
    assert_eq!(ended["state"]["result"]["result"], "completed", "{ended:#}");
    let evidence = &ended["items"][2]["state"]["evidence"];
    assert_eq!((&evidence["held"], &evidence["proof"]["value"]), (&true.into(), &"3".into()), "{ended:#}");
    let verified = ended["items"].as_array().unwrap().last().unwrap();
    let proof = &verified["state"]["evidence"]["proof"];
    assert_eq!(
        (&proof["log"], &proof["lines"], &proof["threshold"]),
        (&"worker".into(), &0.into(), &0.into()),
        "{verified:#}"
    );
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
    let attempts = home.run(&["--config", &config, "--json", "runs", "list"]);
    assert!(attempts.stdout.is_empty(), "looking is no process: {}", String::from_utf8_lossy(&attempts.stdout));
}
