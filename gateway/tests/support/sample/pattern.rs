//! A text that a regular expression matches, for the expressions that documents have: literals,
//! classes, groups, alternatives (the first), repetition. Look-around is read over.

/// A text for `pattern`; open repetitions are taken often enough for `least` characters.
pub(super) fn sample(pattern: &str, least: usize) -> String {
    // Anchors stand outside, so that what is left is what repeats.
    let once = Parser::new(pattern, 1).alternatives();
    if once.chars().count() >= least {
        return once;
    }
    Parser::new(pattern, least).alternatives()
}

struct Parser<'p> {
    rest: std::iter::Peekable<std::str::Chars<'p>>,
    /// How often `*` and `+` repeat; the first of them that is met does, the others once.
    open: usize,
}

impl<'p> Parser<'p> {
    fn new(pattern: &'p str, open: usize) -> Self {
        Self {
            rest: pattern.chars().peekable(),
            open: open.max(1),
        }
    }

    /// The first of several alternatives; the others are read over.
    fn alternatives(&mut self) -> String {
        let first = self.sequence();
        while self.rest.next_if_eq(&'|').is_some() {
            self.sequence();
        }
        first
    }

    fn sequence(&mut self) -> String {
        let mut out = String::new();
        while let Some(&next) = self.rest.peek() {
            if next == '|' || next == ')' {
                break;
            }
            self.rest.next();
            let atom = match next {
                '^' | '$' => continue,
                '(' => self.group(),
                '[' => self.class().to_string(),
                '.' => "a".to_owned(),
                '\\' => self.escape(),
                literal => literal.to_string(),
            };
            let times = self.times(&atom);
            out.push_str(&atom.repeat(times));
        }
        out
    }

    fn group(&mut self) -> String {
        let mut ahead = false;
        if self.rest.next_if_eq(&'?').is_some() {
            match self.rest.next() {
                Some('=' | '!') => ahead = true,
                Some('<') => {
                    ahead = matches!(self.rest.peek(), Some('=' | '!'));
                    // A name, up to its end.
                    if !ahead {
                        while self.rest.next().is_some_and(|one| one != '>') {}
                    } else {
                        self.rest.next();
                    }
                }
                _ => {}
            }
        }
        let within = self.alternatives();
        self.rest.next_if_eq(&')');
        if ahead { String::new() } else { within }
    }

    fn escape(&mut self) -> String {
        match self.rest.next() {
            Some('d') => "1".to_owned(),
            Some('w') => "a".to_owned(),
            Some('s') => " ".to_owned(),
            Some('D' | 'S') => "a".to_owned(),
            Some('W') => "-".to_owned(),
            Some('b' | 'B' | 'A' | 'z' | 'Z') | None => String::new(),
            Some('n') => "\n".to_owned(),
            Some('t') => "\t".to_owned(),
            Some('p' | 'P') => {
                if self.rest.next_if_eq(&'{').is_some() {
                    while self.rest.next().is_some_and(|one| one != '}') {}
                }
                "a".to_owned()
            }
            Some(literal) => literal.to_string(),
        }
    }

    /// One character of a class.
    fn class(&mut self) -> char {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut ranges: Vec<(char, char)> = Vec::new();
        let mut first = true;
        while let Some(next) = self.rest.next() {
            let low = match next {
                ']' if !first => break,
                '\\' => match self.rest.next() {
                    Some('d') => {
                        ranges.push(('1', '9'));
                        ranges.push(('0', '0'));
                        continue;
                    }
                    Some('w') => {
                        ranges.extend([('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')]);
                        continue;
                    }
                    Some('s') => {
                        ranges.extend([(' ', ' '), ('\t', '\r')]);
                        continue;
                    }
                    Some('S' | 'D') => {
                        ranges.push(('a', 'z'));
                        continue;
                    }
                    Some('p') => {
                        if self.rest.next_if_eq(&'{').is_some() {
                            while self.rest.next().is_some_and(|one| one != '}') {}
                        }
                        ranges.push(('a', 'z'));
                        continue;
                    }
                    Some(literal) => literal,
                    None => break,
                },
                literal => literal,
            };
            first = false;
            let mut ahead = self.rest.clone();
            let range = ahead.next() == Some('-') && ahead.peek().is_some_and(|one| *one != ']');
            let high = if range {
                self.rest.next();
                match self.rest.next() {
                    Some('\\') => self.rest.next().unwrap_or(low),
                    Some(high) => high,
                    None => low,
                }
            } else {
                low
            };
            ranges.push((low, high));
        }
        let within = |one: char| {
            ranges
                .iter()
                .any(|(low, high)| (*low..=*high).contains(&one))
        };
        if negated {
            let mut usual = "aA1-_ .".chars().chain('!'..='~');
            return usual.find(|one| !within(*one)).unwrap_or('é');
        }
        let mut usual = "aA1".chars();
        usual
            .find(|one| within(*one))
            .or_else(|| ranges.first().map(|(low, _)| *low))
            .unwrap_or('a')
    }

    fn times(&mut self, atom: &str) -> usize {
        let times = match self.rest.peek() {
            Some('?') => {
                self.rest.next();
                0
            }
            Some('*' | '+') => {
                self.rest.next();
                self.open_times(atom)
            }
            Some('{') => self.braces(atom),
            _ => return 1,
        };
        // Lazy and possessive repetition match the same texts.
        self.rest.next_if(|one| matches!(one, '?' | '+'));
        times
    }

    fn braces(&mut self, atom: &str) -> usize {
        let mut ahead = self.rest.clone();
        ahead.next();
        let inner: String = ahead.clone().take_while(|one| *one != '}').collect();
        let (low, high) = match inner.split_once(',') {
            Some((low, high)) => (low, Some(high)),
            None => (inner.as_str(), None),
        };
        let Ok(low) = low.parse::<usize>() else {
            return 1;
        };
        (0..inner.chars().count() + 2).for_each(|_| {
            self.rest.next();
        });
        match high.map(str::parse::<usize>) {
            None => low,
            Some(Err(_)) => low.max(self.open_times(atom)),
            Some(Ok(high)) => low.max(self.open_times(atom).min(high)),
        }
    }

    /// Once, or as often as the wanted length takes if nothing has been repeated yet.
    fn open_times(&mut self, atom: &str) -> usize {
        let length = atom.chars().count().max(1);
        let times = self.open.div_ceil(length);
        self.open = 1;
        times.max(1)
    }
}
