//! What labels are about, in words that a sentence embedding can be compared with.

/// A label that needs no description.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// How a question from it would be announced.
    pub(crate) question: &'static str,
    pub(crate) about: &'static str,
}

/// The label of everything that belongs to no other.
pub(crate) const OTHER: &str = "other";

/// How many texts describe one label.
pub(crate) const TEXTS: usize = 2;

/// What a label is about: how a question would be announced, and a sentence. A description of one's own takes the place of
/// the sentence.
pub(crate) fn texts(name: &str, description: &str) -> [String; TEXTS] {
    let known = KNOWN.iter().find(|known| known.name == name);
    let question = known.map_or_else(|| format!("a question about {name}"), |known| known.question.to_owned());
    let about = match (description.trim(), known) {
        ("", Some(known)) => known.about,
        ("", None) => name,
        (description, _) => description,
    };
    [question, about.to_owned()]
}

pub(crate) const KNOWN: [Known; 14] = [
    Known {
        name: "biology",
        question: "a question about biology",
        about: "Living things: cells, genes and DNA, evolution, plants, animals, microbes and ecosystems.",
    },
    Known {
        name: "business",
        question: "a question about business",
        about: "Running a company: startups, strategy, entering markets, pricing products, marketing, sales, \
                accounting, mergers and management.",
    },
    Known {
        name: "chemistry",
        question: "a question about chemistry",
        about: "Chemical reactions, molecules, bonds, acids and bases, solutions, compounds and elements of the \
                periodic table.",
    },
    Known {
        name: "computer science",
        question: "a question about computer science",
        about: "Writing code and software: Python functions, algorithms, data structures, databases, networks and \
                operating systems.",
    },
    Known {
        name: "economics",
        question: "a question about economics",
        about: "How economies work: supply and demand, inflation, interest rates, GDP, unemployment, trade and \
                monetary and fiscal policy.",
    },
    Known {
        name: "engineering",
        question: "a question about engineering",
        about: "Designing machines and structures: circuits, beams, motors, heat exchangers, materials, control \
                systems and construction.",
    },
    Known {
        name: "health",
        question: "a question about health",
        about: "Medicine and health: diseases, symptoms, treatment, drugs, vaccines, the immune response, nutrition, \
                exercise and care.",
    },
    Known {
        name: "history",
        question: "a question about history",
        about: "Events of the past: wars, empires, revolutions, ancient Rome, rulers, dates and the rise and fall of \
                civilizations.",
    },
    Known {
        name: "law",
        question: "a question about law",
        about: "Legal rules: contracts, crimes, courts, liability, property, constitutional rights, statutes and \
                lawsuits.",
    },
    Known {
        name: "math",
        question: "a question about math",
        about: "Solving equations, derivatives and integrals, algebra, geometry, probability, statistics and proofs.",
    },
    Known {
        name: OTHER,
        question: "small talk, an everyday task or general trivia",
        about: "Small talk, everyday tasks, travel, cooking, sports, films, translations, writing messages and \
                general trivia.",
    },
    Known {
        name: "philosophy",
        question: "a question about philosophy",
        about: "Ethics, logic and arguments, the meaning of life, knowledge, free will, Plato, Kant and other thinkers.",
    },
    Known {
        name: "physics",
        question: "a question about physics",
        about: "Forces, motion, energy, light, electricity and magnetism, gravity, waves, heat, particles and quantum \
                mechanics.",
    },
    Known {
        name: "psychology",
        question: "a question about psychology",
        about: "The mind and behaviour: memory, emotions, personality, learning, child development, therapy and \
                mental disorders.",
    },
];
