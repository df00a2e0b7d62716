//! A release build has none of the places at which a test can kill the program: it does not react to the variable.

use super::demo::F8;
use super::scene::Scene;

#[test]
fn a_release_build_passes_every_place_alive() {
    for place in ["grant-stored", "intent-written", "job-written", "claimed", "action-ended", "end-read"] {
        let scene = Scene::new();
        let mut console = scene.start_with(&[("AIOPS_FAILPOINT", place)]);
        scene.read_slow_fix(&mut console);
        console.type_keys(F8);
        console.wait_text("Attempt 1 running");
        assert_eq!(scene.supervisors(), [scene.supervisor()]);
        scene.release();
        console.wait_text("Attempt 1 exit 0");
        assert_eq!(scene.starts(), 1);
        console.type_keys("q");
        assert_eq!(console.wait_exit(), 0);
    }
}
