//! Batches that workers read.

use super::Example;
use crate::read::FileState;
use crate::shared::{
    NewShared, ReadWorker, SharedChange, SharedFile, SharedFiles, SharedJob, SharedJobs, SharedState,
};

impl Example for SharedJob {
    fn example() -> Self {
        Self {
            all_found: false,
            command: false,
            created: 1_795_356_000,
            done: 120_400,
            failed: 12,
            files: 250_000,
            id: "0f1e2d3c4b5a6978".into(),
            name: "/mnt/scans/2026".into(),
            notes: Vec::new(),
            reading: 93,
            state: SharedState::Running,
        }
    }
}

impl Example for SharedJobs {
    fn example() -> Self {
        let worker = ReadWorker {
            jobs: vec!["0f1e2d3c4b5a6978".into()],
            name: "scan3-1b2c3d4e".into(),
            note: None,
            version: "0.1.0".into(),
        };
        Self { jobs: vec![SharedJob::example()], trouble: None, workers: vec![worker] }
    }
}

impl Example for NewShared {
    fn example() -> Self {
        Self { paths: vec!["/mnt/scans/2026".into()] }
    }
}

impl Example for SharedChange {
    fn example() -> Self {
        Self { stopped: true }
    }
}

impl Example for SharedFiles {
    fn example() -> Self {
        let file = SharedFile {
            confidence: Some(0.9876),
            error: None,
            index: 0,
            name: "/mnt/scans/2026/a.jpg".into(),
            regions: Some(14),
            state: FileState::Done,
        };
        Self { files: vec![file], total: 250_000 }
    }
}
