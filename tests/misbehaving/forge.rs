//! Makes components that misbehave out of good ones, byte by byte.

/// The binary format's numbers.
const PREAMBLE: usize = 8;
const CORE_MODULE: u8 = 1;
const CORE_INSTANCE: u8 = 2;

/// A component that was built here does at a stage what `does` says: see `mark.rs`.
pub fn marked(wasm: &[u8], does: &str) -> Vec<u8> {
    let blanks = format!("misbehave:{}", " ".repeat(80));
    rewritten(wasm, blanks.as_bytes(), format!("misbehave:{does:<80}").as_bytes())
}

/// What a component says is no text any more.
pub fn spoiled(wasm: &[u8]) -> Vec<u8> {
    let text = b"a text to be spoiled";
    rewritten(wasm, text, &[0xff; 20])
}

/// All that has one name in a component has another one of the same length.
pub fn renamed(wasm: &[u8], from: &str, to: &str) -> Vec<u8> {
    rewritten(wasm, from.as_bytes(), to.as_bytes())
}

fn rewritten(wasm: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "{from:?} becomes {to:?}");
    let mut wasm = wasm.to_vec();
    let places: Vec<usize> = (0..wasm.len() - from.len()).filter(|&at| wasm[at..].starts_with(from)).collect();
    assert!(!places.is_empty(), "{:?} is not in the component", String::from_utf8_lossy(from));
    places.into_iter().for_each(|at| wasm[at..at + to.len()].copy_from_slice(to));
    wasm
}

/// A component that begins with running code of its own, an endless one for example.
pub fn starting_with(wasm: &[u8], code: &[u8]) -> Vec<u8> {
    let body = [&[0], code, &[0x0b]].concat();
    let mut function = leb(body.len());
    function.extend(body);
    with_module(wasm, &[(1, &[1, 0x60, 0, 0]), (3, &[1, 0]), (8, &[0]), (10, &[&[1], &function[..]].concat())], 1)
}

/// `loop` and a jump back to it.
pub const ENDLESS: &[u8] = &[0x03, 0x40, 0x0c, 0, 0x0b];

/// `unreachable`.
pub const UNREACHABLE: &[u8] = &[0];

/// A component with one more memory, of this many pages of 64 KiB.
pub fn with_memory(wasm: &[u8], pages: usize) -> Vec<u8> {
    with_module(wasm, &[(5, &[&[1, 0], &leb(pages)[..]].concat())], 1)
}

/// A component with one more table.
pub fn with_table(wasm: &[u8], elements: usize) -> Vec<u8> {
    with_module(wasm, &[(4, &[&[1, 0x70, 0], &leb(elements)[..]].concat())], 1)
}

/// A component that consists of so many more instances of an empty module.
pub fn with_instances(wasm: &[u8], count: usize) -> Vec<u8> {
    with_module(wasm, &[], count)
}

/// A component with a module of so many functions, which nobody calls and which all have to be compiled.
pub fn slow_to_compile(wasm: &[u8], functions: usize) -> Vec<u8> {
    let count = leb(functions);
    let declared = [&count[..], &vec![0; functions]].concat();
    // The first parameter, to which every step adds, and which is the result.
    let steps = [0x20, 0, 0x20, 0, 0x6c, 0x41, 7, 0x6a, 0x21, 0].repeat(100);
    let body = [&[0], &steps[..], &[0x20, 0, 0x0b]].concat();
    let mut code = count;
    for _ in 0..functions {
        code.extend(leb(body.len()));
        code.extend(&body);
    }
    let kind = [1, 0x60, 1, 0x7f, 1, 0x7f];
    with_module(wasm, &[(1, &kind), (3, &declared), (10, &code)], 0)
}

/// A component with one more custom section.
pub fn with_custom_section(wasm: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut named = leb(name.len());
    named.extend(name.as_bytes());
    named.extend(content);
    [wasm.to_vec(), section(0, &named)].concat()
}

/// A component that does nothing but import one empty interface.
pub fn importing(name: &str) -> Vec<u8> {
    let interface = section(7, &[1, 0x42, 0]);
    let mut import = vec![1, 0];
    import.extend(leb(name.len()));
    import.extend(name.as_bytes());
    import.extend([5, 0]);
    [b"\0asm\x0d\0\x01\0".to_vec(), interface, section(10, &import)].concat()
}

/// A core module, which is no component.
pub fn core_module() -> Vec<u8> {
    b"\0asm\x01\0\0\0".to_vec()
}

/// Behind everything else that a component holds, a core module with these sections, and instances of it.
fn with_module(wasm: &[u8], sections: &[(u8, &[u8])], instances: usize) -> Vec<u8> {
    let index = ids(wasm).filter(|&id| id == CORE_MODULE).count();
    let mut module = core_module();
    module.extend(sections.iter().flat_map(|(id, content)| section(*id, content)));
    let mut instantiate = leb(instances);
    for _ in 0..instances {
        instantiate.push(0);
        instantiate.extend(leb(index));
        instantiate.push(0);
    }
    [wasm.to_vec(), section(CORE_MODULE, &module), section(CORE_INSTANCE, &instantiate)].concat()
}

fn ids(wasm: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = &wasm[PREAMBLE..];
    std::iter::from_fn(move || {
        let (&id, sized) = rest.split_first()?;
        let bytes = sized.iter().position(|byte| byte & 0x80 == 0)? + 1;
        let length = sized[..bytes].iter().rev().fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f));
        rest = &sized[bytes + length..];
        Some(id)
    })
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![id];
    bytes.extend(leb(content.len()));
    bytes.extend(content);
    bytes
}

/// A number as the format writes it: seven bits a byte, the lowest first.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
