//! Every diagnostic code with its title. `config/diagnostics.md` explains each.

use crate::Code;

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal;)*) => {
        $(#[doc = $title] pub(crate) const $name: Code = Code($code);)*

        /// Every code that this crate pushes, with a one-line title, in the order of the codes.
        pub const CODES: &[(Code, &str)] = &[$(($name, $title)),*];
    };
}

codes! {
    NOT_UTF8 = "E0001", "the file is not UTF-8 text";
    TOO_LARGE = "E0002", "the file is larger than 4 MiB";
    NOT_YAML = "E0003", "the file is not valid YAML";
    EMPTY = "E0004", "the file is empty";
    NOT_A_MAPPING = "E0005", "the top of the file is not a mapping";
    TOO_DEEP = "E0006", "values are nested too deep";
    TOO_MANY_NODES = "E0007", "the file expands to too many values";
    BAD_KEY = "E0008", "a mapping key is not a scalar";
    BAD_MERGE = "E0009", "a merge key does not refer to a mapping";
    GATEWAY_FILE = "E0010", "the file configures the gateway, not the router";
    NOT_A_ROUTER_FILE = "E0012", "the file has neither routing nor global";
    NO_PAYLOAD = "E0013", "the ConfigMap holds no router configuration";
    DUPLICATE_NAME = "E0101", "a name is given twice";
    UNKNOWN_DEFAULT = "E0102", "default_model is no known model";
    UNKNOWN_MODEL = "E0103", "a decision names a model that nothing defines";
    UNKNOWN_ADAPTER = "E0104", "a decision names an adapter that its model's card does not list";
    UNKNOWN_FAMILY = "E0105", "a model names a reasoning family that is not defined";
    UNDECLARED_SIGNAL = "E0106", "a rule names a signal that is not declared";
    UNKNOWN_SIGNAL_TYPE = "E0107", "a signal type is neither part of v0.3 nor served by a component";
    UNKNOWN_PLUGIN_TYPE = "E0108", "a plugin type is neither part of v0.3 nor served by a component";
    UNKNOWN_ALGORITHM = "E0109", "an algorithm is neither part of v0.3 nor served by a component";
    UNKNOWN_STRATEGY = "E0110", "a strategy is neither part of v0.3 nor served by a component";
    UNKNOWN_RECIPE = "E0111", "an entrypoint names a recipe that does not exist";
    ENTRYPOINT_NAME = "E0112", "an entrypoint has no name of its own";
    TWO_DEFAULTS = "E0113", "the default profile is given twice";
    CARDS_IN_RECIPE = "E0114", "model cards stand in a recipe";
    UNKNOWN_SCORE = "E0115", "a projection reads what is not declared";
    WRONG_TYPE = "E0201", "a value has the wrong type";
    MISSING_KEY = "E0202", "a required key is missing";
    REMOVED_KEY = "E0203", "v0.3 no longer has this";
    BOTH_SPELLINGS = "E0204", "two spellings of one section are present";
    OUT_OF_RANGE = "E0205", "a number is out of range";
    UNKNOWN_WORD = "E0206", "a word is none of those expected";
    MALFORMED = "E0207", "a value does not have the expected form";
    UNKNOWN_OPERATOR = "E0301", "a rule has an unknown operator";
    NOT_ARITY = "E0302", "NOT has other than one condition";
    BAD_RULE = "E0303", "a rule is neither a signal nor an operator with conditions";
    BAD_PREDICATE = "E0304", "a predicate has no bounds";
    RULES_TOO_DEEP = "E0305", "rules are nested deeper than 64 levels";
    ALGORITHM_BLOCK = "E0306", "an algorithm's block does not fit its type";
    DUPLICATE_PLUGIN = "E0307", "a decision has two plugins of one type";
    BAD_LEAF = "E0308", "a signal of this type is referred to in another way";
    NO_ADDRESS = "E0309", "a backend has neither endpoint nor base_url";
    PARTITION = "E0310", "the members of a partition do not fit together";
    SCORE_CIRCLE = "E0311", "scores read each other in a circle";
    MAPPING = "E0312", "a mapping has too few outputs";
    MORE_DOCUMENTS = "W0001", "only the first YAML document is read";
    DUPLICATE_KEY = "W0002", "a key is given twice";
    UNSET_VARIABLE = "W0003", "an environment variable is not set";
    LEGACY = "W0004", "the file has a layout from before v0.3 and is converted";
    NOT_CONVERTED = "W0005", "a part of an older layout that is not converted";
    UNKNOWN_KEY = "W0101", "a key is not part of v0.3";
    NO_CARD = "W0102", "a provider's model has no model card";
    NO_PROVIDER = "W0103", "a model card has no provider";
    NOT_DONE = "W0201", "a part of v0.3 that Trackside does not do yet";
    SIGNAL_NOT_SERVED = "W0202", "a signal type that Trackside does not serve yet";
    PLUGIN_NOT_SERVED = "W0203", "a plugin type that Trackside does not serve yet";
    ALGORITHM_NOT_SERVED = "W0204", "an algorithm that Trackside does not serve yet";
    PROMPT_MODE = "W0301", "an unknown system prompt mode works as replace";
    UNBOUNDED_CONTEXT = "W0302", "a context rule without max_tokens has no upper bound";
    METHOD_FUZZY = "W0303", "keyword method fuzzy is read as fuzzy_match";
    TIER_ZERO = "W0304", "tier 0 comes before tier 1";
    EMPTY_OR = "W0305", "an OR without conditions never matches";
    IGNORED_KEY = "W0306", "a key has no effect in v0.3 either";
    UNKNOWN_EFFORT = "W0307", "a reasoning effort is not a usual word";
    PROJECTION_IN_COMPOSER = "W0308", "a composer names a projection";
    NO_IDENTITY = "W0309", "roles need an identity that nothing tells";
}
