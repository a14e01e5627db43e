//! A scene as SVG: text stays text, an image is a PNG inside.

use std::fmt::Write;

use crate::picture::raster::png_of;
use crate::picture::scene::{Anchor, Color, Mark, Scene, parts};

/// The text of an SVG file.
pub(super) fn svg(scene: &Scene) -> Result<String, png::EncodingError> {
    let (width, height) = (scene.width, scene.height);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, sans-serif\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for mark in &scene.marks {
        // Writing to a string cannot fail.
        let _ = match mark {
            Mark::Line { points, color, width } => {
                let points: Vec<String> =
                    points.iter().map(|(x, y)| format!("{x:.2},{y:.2}")).collect();
                writeln!(
                    out,
                    "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" \
                     stroke-linejoin=\"round\" stroke-linecap=\"round\"/>",
                    points.join(" "),
                    hex(*color)
                )
            }
            Mark::Box { at: (x, y), size: (w, h), color } => writeln!(
                out,
                "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{w:.2}\" height=\"{h:.2}\" fill=\"{}\"/>",
                hex(*color)
            ),
            Mark::Dot { at: (x, y), radius, color } => writeln!(
                out,
                "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius}\" fill=\"{}\"/>",
                hex(*color)
            ),
            Mark::Text { at: (x, y), text, size, color, anchor, upwards } => {
                let turned = match upwards {
                    true => format!(" transform=\"rotate(-90 {x:.2} {y:.2})\""),
                    false => String::new(),
                };
                let anchor = match anchor {
                    Anchor::Start => "start",
                    Anchor::Middle => "middle",
                    Anchor::End => "end",
                };
                writeln!(
                    out,
                    "<text x=\"{x:.2}\" y=\"{y:.2}\" font-size=\"{size}\" fill=\"{}\" \
                     text-anchor=\"{anchor}\"{turned}>{}</text>",
                    hex(*color),
                    spans(text, *size)
                )
            }
            Mark::Image { at: (x, y), cell, columns, colors } => {
                let rows = colors.len() / (*columns).max(1);
                let bytes = png_of((*columns, rows), colors.as_flattened())?;
                writeln!(
                    out,
                    "<image x=\"{x:.2}\" y=\"{y:.2}\" width=\"{:.2}\" height=\"{:.2}\" \
                     preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" \
                     href=\"data:image/png;base64,{}\"/>",
                    cell * *columns as f64,
                    cell * rows as f64,
                    base64(&bytes)
                )
            }
        };
    }
    out.push_str("</svg>\n");
    Ok(out)
}

/// A text with its raised parts.
fn spans(text: &str, size: f64) -> String {
    let mut out = String::new();
    let mut was_raised = false;
    for (part, raised) in parts(text) {
        let part = escaped(&part);
        match (raised, was_raised) {
            (true, _) => {
                let (shift, small) = (-0.4 * size, 0.7 * size);
                let _ =
                    write!(out, "<tspan dy=\"{shift:.1}\" font-size=\"{small:.1}\">{part}</tspan>");
            }
            (false, true) => {
                let _ = write!(out, "<tspan dy=\"{:.1}\">{part}</tspan>", 0.4 * size);
            }
            (false, false) => out.push_str(&part),
        }
        was_raised = raised;
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn hex([red, green, blue]: Color) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |k: usize| u32::from(three.get(k).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for k in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * k) & 63) as usize];
            out.push(if k <= three.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_encoded_as_in_the_standard() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn text_is_escaped_and_raised() {
        assert_eq!(escaped("a<b&\"c\""), "a&lt;b&amp;&quot;c&quot;");
        let text = spans("10^3 x", 10.0);
        assert_eq!(
            text,
            "10<tspan dy=\"-4.0\" font-size=\"7.0\">3</tspan><tspan dy=\"4.0\"> x</tspan>"
        );
    }
}
