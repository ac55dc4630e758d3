//! Language models that misbehave: whatever one says, no false sentence carries a citation, no foreign
//! address reaches a reader, and nobody else has to wait.

use serde_json::{Value, json};

use crate::model::{KINDS, Model};
use crate::world::{Company, World};

const QUESTION: &str = "How many weeks of parental leave are there?";

/// A company whose answers this model writes.
async fn company(settings: &str) -> World {
    Company::holding(&[
        ("hr/leave.md", "# Leave\n\nParental leave is 16 weeks. It may be taken in two parts.\n"),
        ("hr/sick.md", "# Sick leave\n\nSick leave is paid for 6 weeks of illness.\n"),
    ])
    .with_settings(settings)
    .open()
    .await
}

/// The sentences of an answer.
fn texts(answer: &Value) -> Vec<&str> {
    let sentences = answer["sentences"].as_array().expect("sentences");
    sentences.iter().map(|sentence| sentence["text"].as_str().expect("text")).collect()
}

#[tokio::test]
async fn what_a_model_says_comes_with_the_quotes_that_support_it() {
    for kind in KINDS {
        let text = "Parental leave is 16 weeks. [@16 weeks] Sick leave is paid for 6 weeks of illness [@illness].";
        let model = Model::saying(kind, text).await;
        let answer = company(&model.settings()).await.bob().ask(QUESTION).await;
        assert_eq!(
            texts(&answer),
            ["Parental leave is 16 weeks.", "Sick leave is paid for 6 weeks of illness."],
            "{answer}"
        );
        assert_eq!(answer["citations"][0]["document"], "hr/leave.md");
        assert_eq!(answer["citations"][1]["document"], "hr/sick.md");
        assert!(answer["generator"].as_str().unwrap().ends_with(":made-up"), "{answer}");
        assert_eq!(answer["notes"].as_array().unwrap().len(), 1, "words alone: {answer}");
        assert_eq!(json!(model.asked().len()), 1);
    }
}
