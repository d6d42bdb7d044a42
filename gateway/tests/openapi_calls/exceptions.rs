//! Calls that are known to be refused, each for a reason that is not the gateway's.
//!
//! A line holds for one fault of tools of one document. One that is not needed any more fails the test.

use std::fmt;

/// One line of the list.
pub(crate) struct Exception {
    /// Begins so: one tool, or several of a kind; all where empty.
    tool: &'static str,
    document: &'static str,
    /// Part of what is wrong.
    fault: &'static str,
    reason: &'static str,
}

impl fmt::Display for Exception {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tool,
            document,
            fault,
            reason,
        } = self;
        write!(
            formatter,
            "{document} {tool}* with `{fault}`, because {reason}"
        )
    }
}

const fn except(
    document: &'static str,
    tool: &'static str,
    fault: &'static str,
    reason: &'static str,
) -> Exception {
    Exception {
        tool,
        document,
        fault,
        reason,
    }
}

const EC2: &str = "amazonaws.com/ec2.json";
const BOX: &str = "box.com.json";
const CLOUD: &str = "digitalocean.com.json";
const DOCUSIGN: &str = "docusign.net.json";
const JIRA: &str = "atlassian.com/jira.json";
const QUIRKS: &str = "3.1/json/schema-types.json";
const STYLES: &str = "3.0/json/parameters-style.json";
const VERCEL: &str = "vercel.com.json";

const NESTED: &str =
    "no style of a query holds containers in others; they are sent as their JSON text";
const FRAGMENT: &str =
    "the document tells operations apart by a fragment, which no request carries";
const NO_VALUE: &str =
    "the schema contradicts itself, or the sample maker finds nothing that fits it";
const PARTS: &str =
    "in 3.0 no style holds in multipart/form-data (Encoding Object); openapi-core undoes it there";
const UNCAST: &str =
    "openapi-core leaves texts as they are where `type` is only in `anyOf` or a part";
const DISCRIMINATOR: &str =
    "a discriminator's values are names of schemas; an input schema only says that they are texts";
const UNNAMED: &str = "the document requires a member that it does not name among its properties";
const LARGE: &str =
    "the schema is larger than an input schema may be, so that its depth is left open";

/// Every known refusal.
#[rustfmt::skip]
pub(crate) const EXCEPTIONS: &[Exception] = &[
    except(EC2, "GET_", "{\"", NESTED),
    except(EC2, "GET_", "'[\"", NESTED),
    except(EC2, "GET_", "'[{}", NESTED),
    except(EC2, "POST_", "b'text' is not of type 'object'", "a body of XML is written by the caller, as text"),
    except(BOX, "", "`fields` did not arrive", FRAGMENT),
    except(BOX, "", "reached ", FRAGMENT),
    except(BOX, "put_metadata_templates_enterprise", "'text' is not one of", FRAGMENT),
    except(BOX, "post_oauth2_revoke", "'grant_type' is a required", UNNAMED),
    except(CLOUD, "", ".yml", "the document's discriminators refer to files of its author"),
    except(CLOUD, "domains_create_record", "#/components/schemas/text", DISCRIMINATOR),
    except(CLOUD, "sshKeys_", "is not valid under any", UNCAST),
    except(JIRA, "createScreenScheme", "'defaultScreen' was unexpected", UNNAMED),
    except(JIRA, "", "#/components/schemas/text", DISCRIMINATOR),
    except(DOCUSIGN, "", "'text' is not of type 'object'", LARGE),
    except("stripe.com.json", "PostSubscriptionSchedulesSchedule", "'items' is a required", "an empty array has no place in a form"),
    except("appcenter.ms.json", "releases_update", "'text' is not of type 'object'", "the document has an object as text/plain"),
    except("api.github.com.json", "", "None is not valid under any", "`nullable` beside `oneOf`: its author means null, 3.0.3 ignores it"),
    except("api.github.com.json", "code-scanning_", "read-only property", "openapi-core refuses a path parameter whose schema is read-only"),
    except(VERCEL, "createConfigurableLogDrain", "'://' is not a 'uri'", NO_VALUE),
    except(VERCEL, "get_v1_integrations_search-repo", "got <class 'list'>", "openapi-core reads no list of types in a parameter"),
    except(VERCEL, "listAliases", "`domain`", UNCAST),
    except("discourse.local.json", "createUpload", "is not of type", UNCAST),
    except(STYLES, "cookies_", "reached ", FRAGMENT),
    except(STYLES, "cookies_form_nonExploded", "did not arrive", FRAGMENT),
    except(STYLES, "form", "CastError", PARTS),
    except(STYLES, "form", "DeserializeError", PARTS),
    except(QUIRKS, "quirks_", "did not reach the API", NO_VALUE),
    except("polymorphism.json", "post_one-of-complex", "did not reach the API", NO_VALUE),
];

/// Where in the list a fault stands.
pub(crate) fn position(document: &str, tool: &str, fault: &str) -> Option<usize> {
    EXCEPTIONS.iter().position(|one| {
        document.ends_with(one.document) && tool.starts_with(one.tool) && fault.contains(one.fault)
    })
}
