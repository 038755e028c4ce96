use super::*;

const TOPIC: &str = "Why does salt lower the freezing point of water?";

#[test]
fn wrapping_around_a_topic_is_left_out() {
    for (before, after) in [
        ("", ""),
        ("  \n", "\n\n"),
        ("Hello! ", ""),
        ("Hi there, ", " Thanks!"),
        ("", " Thank you so much for your help."),
        ("Hello, I hope you are doing well. ", ""),
        ("Dear assistant,\n", "\n\nBest regards"),
        ("Could you please help me with this question? ", ""),
        ("I would like to ask you a quick question: ", ""),
        ("User: ", "\nAssistant:"),
        ("[INST] ", " [/INST]"),
        ("<s>[INST] <<SYS>>\nYou are a helpful assistant.\n<</SYS>>\n\n", " [/INST]"),
        (
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n",
            "<|im_end|>\n<|im_start|>assistant\n",
        ),
        ("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"),
        ("### Instruction:\n", "\n\n### Response:\n"),
        ("<user>", "</user>"),
        ("You are a helpful, harmless and honest AI assistant. Answer the user's question accurately.\n\n", ""),
        ("System: You are a knowledgeable assistant that always answers clearly and concisely.\nUser: ", ""),
        ("You are ChatGPT, a large language model trained by OpenAI. Answer as concisely as possible.\n\n", ""),
        ("", "\n\nFormat the output as a bulleted list in Markdown."),
        ("", "\nAnswer with a single letter: A, B, C, or D."),
        ("", " Think step by step and give the final answer in the format \"The answer is (X)\"."),
        ("", "\n\nRespond in JSON format only, without any explanation."),
        ("", " Put your final answer within \\boxed{}."),
        ("", " Please answer in no more than 50 words."),
        ("<system-reminder>\nThe todo list is empty.\n</system-reminder>\n", ""),
        ("HELLO, COULD YOU PLEASE ANSWER THE FOLLOWING QUESTION:\n", ""),
    ] {
        let text = format!("{before}{TOPIC}{after}");
        assert_eq!(of(&text), TOPIC, "{text}");
    }
}

#[test]
fn tags_need_no_punctuation_before_them() {
    for text in [
        "why do salmon swim back</s>",
        "<|im_start|>user\nwhy do salmon swim back<|im_end|>\n<|im_start|>assistant\n",
        "[INST]why do salmon swim back[/INST]",
        "<user>why do salmon swim back</user>",
        "Hey, I was wondering about something. why do salmon swim back",
    ] {
        assert_eq!(of(text), "why do salmon swim back", "{text}");
    }
    for text in ["Sort [3, 1, 2]", "[1, 2] + [3]", "Is a < b?", "Vec<String> in Rust", "Explain <div> and <p>"] {
        assert_eq!(of(text), text);
    }
}

#[test]
fn courtesy_goes_from_within_the_sentence() {
    for (text, topic) in [
        ("Could you please tell me why the sky is blue?", "why the sky is blue?"),
        ("please explain dark matter, thanks", "dark matter"),
        ("Explain the doctrine of res judicata please", "Explain the doctrine of res judicata"),
        ("Who was Kant, thank you so much", "Who was Kant"),
        ("Would you kindly (expand) (a+b)^2", "(expand) (a+b)^2"),
    ] {
        assert_eq!(of(text), topic, "{text}");
    }
}

#[test]
fn what_may_be_the_topic_stays() {
    for text in [
        "Can two blue-eyed parents have a brown-eyed child?",
        "Explain dynamic programming with the knapsack example",
        "Walk me through how to structure a business merger proposal.",
        "What's 17% of 350?",
        "What is the cost of an ad at $1.70 per line",
        "Spot the fallacy: everyone buys it, so it must be good",
        "Solve 3x^2 - 12x + 9 = 0",
        "What is the best format for a letter?",
        "You are a lawyer. Draft a clause.",
        "Antworte bitte kurz. Warum ist der Himmel blau?",
        "为什么天空是蓝色的？",
        "Is it a cat, a dog, or a fish?",
    ] {
        assert_eq!(of(text), text);
    }
}

#[test]
fn a_text_of_wrapping_alone_is_its_own_topic() {
    for text in
        ["hello there", "Thanks!", "Answer with A, B, C or D only.", "[INST] [/INST]", "???", " ", "please", "😀"]
    {
        assert_eq!(of(text), text);
    }
    assert_eq!(of(""), "");
    let reminder = "<system-reminder>x</system-reminder>";
    assert_eq!(of(reminder), reminder);
}

#[test]
fn a_reminder_that_never_ends_stays() {
    let text = "<system-reminder>why is the sky blue";
    assert_eq!(of(text), text);
    let text = "<system-reminder>a</system-reminder>why<system-reminder>the sky";
    assert_eq!(of(text), "why<system-reminder>the sky");
}

#[test]
fn a_long_text_is_read_at_three_places() {
    let text = format!("start{}mitte{}ende", "ä".repeat(5000), "ö".repeat(5000));
    let topic = of(&text);
    assert!(topic.starts_with("start") && topic.contains("mitte") && topic.ends_with("ende"));
    assert_eq!(topic.chars().count(), 3 * (MOST_CHARS / 3) + 2);
    let just = "ä".repeat(MOST_CHARS);
    assert_eq!(of(&just), just);
}

/// Each text is as long as a body may be and made to be read again and again; quadratic work would take hours.
#[test]
fn hostile_texts_take_no_longer_than_others() {
    let many = |text: &str| text.repeat((1 << 20) / text.len());
    for piece in [
        "<system-reminder>",
        "</system-reminder>",
        "<system-reminder></system-reminder>",
        "please ",
        "a, ",
        "hi. ",
        "?",
        "[",
        " ",
        "a",
        "’",
        "\u{301}",
        "thanks a lot of the ",
    ] {
        assert!(!of(&many(piece)).is_empty());
        assert!(!of(&format!("{}topic{}", many(piece), many(piece))).is_empty());
    }
}
