//! Text in pictures.

use super::Example;
use crate::read::{
    Document, FileState, Job, JobEvent, JobFile, JobFiles, JobOptions, JobState, Jobs, Page, Point,
    ReadOptions, ReadPrecision, ReadTimes, Region,
};

impl Example for Document {
    fn example() -> Self {
        Self {
            file: Some("a.jpg".into()),
            format: "jpeg".into(),
            model: "ppocr-v4".into(),
            provider: "openvino".into(),
            precision: ReadPrecision { detection: "bf16".into(), recognition: "f32".into() },
            options: ReadOptions {
                threshold: 0.3,
                box_threshold: 0.5,
                unclip: 1.6,
                max_candidates: 10_000,
                max_side: 2000,
                min_confidence: 0.5,
                angle: true,
                ..ReadOptions::default()
            },
            pages: vec![Page {
                page: 1,
                width: 640,
                height: 480,
                skew: 0.0,
                turned: 0,
                corners: None,
                left_out: 0,
            }],
            regions: vec![Region {
                polygon: [[31.75, 52.5], [432.5, 51.75], [432.75, 85.5], [31.75, 86.5]].map(Point),
                text: "Hello".into(),
                confidence: 0.9876,
                page: 1,
                block: 1,
                row: 1,
                characters: None,
                words: None,
            }],
            mean_confidence: Some(0.9876),
            text: "Hello".into(),
            ms: ReadTimes {
                wait: 0.1,
                decode: 1.2,
                detect: 20.1,
                recognise: 33.0,
                total: 54.3,
                ..ReadTimes::default()
            },
            notes: Vec::new(),
        }
    }
}

impl Example for Job {
    fn example() -> Self {
        Self {
            characters: 1840,
            created: 1_795_356_000,
            done: 12,
            failed: 1,
            files: 20,
            files_per_s: 6.5,
            id: "b1f3c2d4e5a69788".into(),
            keep: 10,
            left_s: Some(1.1),
            mean_confidence: Some(0.9712),
            ms: 2010.0,
            options: JobOptions {
                angle: true,
                box_threshold: 0.5,
                max_candidates: 10_000,
                max_side: 2000,
                min_confidence: 0.5,
                model: "ppocr-v4".into(),
                threshold: 0.3,
                unclip: 1.6,
                ..JobOptions::default()
            },
            reading: 2,
            regions: 96,
            left_out: 4,
            state: JobState::Running,
            waiting: 5,
            ..Self::default()
        }
    }
}

impl Example for Jobs {
    fn example() -> Self {
        Self { jobs: vec![Job::example()] }
    }
}

impl Example for JobFile {
    fn example() -> Self {
        Self {
            index: 0,
            name: "a.jpg".into(),
            bytes: 84_210,
            state: FileState::Done,
            error: None,
            pages: Some(1),
            width: Some(640),
            height: Some(480),
            regions: Some(1),
            left_out: Some(0),
            confidence: Some(0.9876),
            ms: Some(54.3),
            picture: true,
            notes: Vec::new(),
        }
    }
}

impl Example for JobFiles {
    fn example() -> Self {
        Self { files: vec![JobFile::example()], total: 20 }
    }
}

impl Example for JobEvent {
    fn example() -> Self {
        Self::File(JobFile::example())
    }
}
