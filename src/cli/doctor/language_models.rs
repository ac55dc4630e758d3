//! The language models, as `vouch doctor` finds them: whether each one's server answers, takes the key,
//! and knows the model. No question and no document is sent.

use super::{Finding, fail, ok, warn};
use crate::auth::is_private;
use crate::config::{Config, Model};
use crate::generate::model::{LanguageModel, Look};
use crate::generate::prompt::Template;

const WHAT: &str = "language model";

/// What was found of each model, in the order in which they are asked.
pub(super) async fn findings(config: &Config) -> Vec<Finding> {
    const REMEDY: &str = "the server doesn't start before this is mended";
    let prompts = config.generator.prompts.as_deref();
    let templates = Template::answer(prompts).and_then(|_| Template::search_results(prompts));
    let mut findings = Vec::new();
    if let Err(error) = templates {
        findings.push(fail(WHAT, format!("{error:#}"), REMEDY));
        return findings;
    }
    for settings in config.generator.models() {
        let template = Template::answer(None);
        match template.and_then(|template| LanguageModel::new(&settings, template)) {
            Ok(model) => findings.push(found(&settings, &model.look().await)),
            Err(error) => findings.push(fail(WHAT, format!("{error:#}"), REMEDY)),
        }
        if !is_private(&settings.url) {
            let detail = format!(
                "{} is not https: questions, passages and the key go there in the open",
                shown(&settings)
            );
            findings.push(warn(
                WHAT,
                detail,
                "let it answer over https, or make sure of the network between",
            ));
        }
    }
    findings
}

fn found(settings: &Model, look: &Look) -> Finding {
    let at = format!("{} at {}", settings.model, shown(settings));
    let meanwhile = "; until then the next model is asked, and at last extractive";
    match look {
        Look::Known => ok(WHAT, at),
        Look::Unlisted => warn(
            WHAT,
            format!("{at}: the server answers, but does not say which models it has"),
            "ask something to see whether it works: `vouch ask --show-prompt …`",
        ),
        // Servers of a single model take any name.
        Look::Unknown(known) => warn(
            WHAT,
            format!("{at}: the server does not know this model"),
            match known.as_str() {
                "" => format!("check its name{meanwhile}"),
                known => format!("name one that it has ({known}){meanwhile}"),
            },
        ),
        Look::Unauthorised(status) => fail(
            WHAT,
            format!("{at}: the server answers {status}"),
            format!("check the key in the variable that `api_key_env` names{meanwhile}"),
        ),
        Look::Unusable(why) => {
            fail(WHAT, format!("{at}: {why}"), format!("start it, or check its address{meanwhile}"))
        }
    }
}

/// The address without what follows its `?`, which may hold more than a version.
fn shown(settings: &Model) -> String {
    let mut url = settings.url.clone();
    url.set_query(None);
    url.to_string()
}
