//! Which modules and crates product code names, however it writes them: `super`, groups, other names for what it imports.

use std::collections::HashMap;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// Full paths that a file names, `crate::…` or another crate's; tests, and what stands within macros, aside.
pub fn names(module: &str, text: &str) -> Vec<String> {
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{module}: {error}"));
    let module = module.split("::").map(str::to_owned).collect();
    let mut names = Names { module, imported: HashMap::new(), found: Vec::new() };
    // What is imported first: a path may begin with a name that stands below it.
    file.items.iter().for_each(|item| names.import(item));
    names.visit_file(&file);
    names.found.iter().map(|path| path.join("::")).collect()
}

/// The module that a file below a `src` is: `crates/server/src/transport/rest/mod.rs` is `crate::transport::rest`.
pub fn module_of(file: &str) -> String {
    let (_, below) = file.split_once("/src/").unwrap_or(("", file));
    let path = below.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" || path == "main" {
        "crate".into()
    } else {
        format!("crate::{}", path.replace('/', "::"))
    }
}

struct Names {
    module: Vec<String>,
    /// By the name that they have here.
    imported: HashMap<String, Vec<String>>,
    found: Vec<Vec<String>>,
}

impl Names {
    fn import(&mut self, item: &Item) {
        if let Item::Use(item) = item
            && !is_test(&item.attrs)
        {
            self.tree(&item.tree, &[]);
        }
    }

    fn tree(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident)),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, before)),
            UseTree::Glob(_) => self.imports(before.to_vec(), None),
            UseTree::Rename(rename) if rename.ident == "self" => {
                self.imports(before.to_vec(), Some(rename.rename.to_string()));
            }
            UseTree::Rename(rename) => self.imports(with(&rename.ident), Some(rename.rename.to_string())),
            UseTree::Name(name) if name.ident == "self" => {
                self.imports(before.to_vec(), before.last().cloned());
            }
            UseTree::Name(name) => self.imports(with(&name.ident), Some(name.ident.to_string())),
        }
    }

    fn imports(&mut self, path: Vec<String>, called: Option<String>) {
        let path = self.full(path);
        if let Some(called) = called {
            self.imported.insert(called, path.clone());
        }
        self.found.push(path);
    }

    fn full(&self, path: Vec<String>) -> Vec<String> {
        let supers = path.iter().take_while(|part| *part == "super").count();
        let first = path.first().cloned().unwrap_or_default();
        if supers > 0 {
            let base = self.module.len().saturating_sub(supers);
            return [&self.module[..base], &path[supers..]].concat();
        }
        match (first.as_str(), self.imported.get(&first)) {
            ("self", _) => [&self.module[..], &path[1..]].concat(),
            (_, Some(imported)) if *imported != path => [&imported[..], &path[1..]].concat(),
            _ => path,
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Use(_) => return self.import(item),
            _ => return visit::visit_item(self, item),
        };
        if is_test(attributes) {
            return;
        }
        match item {
            Item::Mod(inline) if inline.content.is_some() => {
                self.module.push(inline.ident.to_string());
                visit::visit_item(self, item);
                self.module.pop();
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts = path.segments.iter().map(|part| part.ident.to_string()).collect();
        let full = self.full(parts);
        self.found.push(full);
        visit::visit_path(self, path);
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}

#[test]
fn a_name_is_found_however_it_is_written() {
    let named = |text: &str| names("crate::transport::relay::viewer", text);
    for text in [
        "use crate::transport::rest::Api;",
        "use super::super::{rest::Api, query};",
        "use crate::{config, transport::{self as t, query}}; fn f(api: t::rest::Api) {}",
        "use crate::transport::rest as other; fn f() { other::Api::new() }",
        "fn f() { super::super::rest::Api::new() }",
        "mod inner { fn f() { super::super::super::rest::Api::new() } }",
        "#[cfg(test)] mod tests {} use super::super::rest::*; ",
    ] {
        assert!(
            named(text).iter().any(|path| path.starts_with("crate::transport::rest")),
            "{text}: {:?}",
            named(text)
        );
    }
    let tests =
        "#[cfg(test)] mod tests { use crate::transport::rest::Api; } #[cfg(test)] use super::super::rest;";
    assert!(named(tests).is_empty());
    let renamed = named("use sightwire_infer as x; fn f() { x::clip::Frame }");
    assert!(renamed.contains(&"sightwire_infer::clip::Frame".to_owned()), "{renamed:?}");
}
