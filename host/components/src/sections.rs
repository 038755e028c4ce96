//! Custom sections of a component: what its author put beside its code.

/// The section with requests to try a component with.
const CASES: &[u8] = b"trackside:cases";

/// Most bytes of cases.
const MOST_CASES: usize = 1 << 20;

/// What every module and component begins with: a magic number, a version and a layer.
const PREAMBLE: usize = 8;

/// The cases of a component, unless they are too many. They may stand in the component itself, or in a module directly in
/// it, where a compiler of the module puts them. The component has been compiled, so what does not parse is not there.
pub(crate) fn cases(component: &[u8]) -> Option<&[u8]> {
    let own = sections(component).find_map(|section| cases_in(&section));
    let of_modules = || {
        let modules = sections(component).filter(|section| section.id == Section::MODULE);
        modules.flat_map(|module| sections(module.content)).find_map(|section| cases_in(&section))
    };
    own.or_else(of_modules).filter(|cases| cases.len() <= MOST_CASES)
}

struct Section<'a> {
    id: u8,
    content: &'a [u8],
}

impl Section<'_> {
    const CUSTOM: u8 = 0;
    /// A core module, among the sections of a component.
    const MODULE: u8 = 1;
}

fn cases_in<'a>(section: &Section<'a>) -> Option<&'a [u8]> {
    let (name, cases) = length_prefixed(section.content)?;
    (section.id == Section::CUSTOM && name == CASES).then_some(cases)
}

fn sections(binary: &[u8]) -> impl Iterator<Item = Section<'_>> {
    let mut rest = binary.get(PREAMBLE..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (&id, sized) = rest.split_first()?;
        let (content, behind) = length_prefixed(sized)?;
        rest = behind;
        Some(Section { id, content })
    })
}

/// Splits bytes that begin with their own length: those, and what comes behind.
fn length_prefixed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return bytes.get(at + 1..)?.split_at_checked(length);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(id: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let mut bytes = vec![id];
        bytes.extend([0, 7, 14, 21].map(|shift| u8::try_from(length >> shift & 0x7f).unwrap() | 0x80));
        bytes.push(0);
        bytes.extend(content);
        bytes
    }

    fn custom(name: &str, content: &[u8]) -> Vec<u8> {
        section(0, &[&[u8::try_from(name.len()).unwrap()], name.as_bytes(), content].concat())
    }

    fn binary(sections: &[Vec<u8>]) -> Vec<u8> {
        [b"\0asm\x0d\0\x01\0".to_vec(), sections.concat()].concat()
    }

    #[test]
    fn cases_are_found_in_the_component_and_in_its_modules() {
        let named = custom("name", b"x");
        let cases_section = custom("trackside:cases", b"[1]");
        assert_eq!(cases(&binary(&[named.clone(), cases_section.clone()])), Some(&b"[1]"[..]));
        let module = section(1, &binary(&[section(10, b"code"), cases_section.clone()]));
        assert_eq!(cases(&binary(&[named.clone(), module.clone()])), Some(&b"[1]"[..]));
        let nearer = custom("trackside:cases", b"[2]");
        assert_eq!(cases(&binary(&[module, nearer])), Some(&b"[2]"[..]));
        assert_eq!(cases(&binary(&[named, section(4, &binary(&[cases_section]))])), None);
    }

    #[test]
    fn too_many_cases_and_damaged_sections_are_none() {
        assert!(cases(&binary(&[custom("trackside:cases", &vec![b' '; MOST_CASES])])).is_some());
        assert_eq!(cases(&binary(&[custom("trackside:cases", &vec![b' '; MOST_CASES + 1])])), None);
        let whole = binary(&[custom("name", b"x"), custom("trackside:cases", b"[1]")]);
        for length in 0..whole.len() {
            assert_eq!(cases(&whole[..length]), None, "{length} bytes");
        }
        assert_eq!(cases(&[&whole[..8], &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat()), None);
    }
}
