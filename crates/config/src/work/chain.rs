//! Circles in references: `after` of tasks, `superior` of parties.

use std::collections::BTreeMap;

/// The first circle in a graph of names, as `a → b → a`; none if there is none.
pub(crate) fn circle(edges: &BTreeMap<&str, Vec<&str>>) -> Option<Vec<String>> {
    let mut done = BTreeMap::new();
    edges.keys().find_map(|start| walk(start, edges, &mut done, &mut Vec::new()))
}

fn walk<'e>(
    at: &'e str,
    edges: &BTreeMap<&'e str, Vec<&'e str>>,
    done: &mut BTreeMap<&'e str, ()>,
    way: &mut Vec<&'e str>,
) -> Option<Vec<String>> {
    if let Some(from) = way.iter().position(|w| *w == at) {
        return Some(way[from..].iter().chain([&at]).map(|s| (*s).to_owned()).collect());
    }
    if done.contains_key(at) {
        return None;
    }
    way.push(at);
    let found = edges.get(at).into_iter().flatten().find_map(|next| walk(next, edges, done, way));
    way.pop();
    done.insert(at, ());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(edges: &str, found: Option<&str>) {
        let mut graph: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for edge in edges.split_whitespace() {
            let (from, to) = edge.split_once('>').unwrap();
            graph.entry(from).or_default().push(to);
        }
        assert_eq!(circle(&graph).map(|c| c.join(">")).as_deref(), found, "{edges}");
    }

    #[test]
    fn circles_are_found_and_trees_are_not_circles() {
        check("a>b b>c a>c", None);
        check("a>a", Some("a>a"));
        check("a>b b>c c>b", Some("b>c>b"));
        check("a>b c>d d>e e>c", Some("c>d>e>c"));
    }
}
