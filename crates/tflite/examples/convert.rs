//! Converts a TFLite file: `convert FILE.tflite 0,1 FILE.onnx`. With the first name alone it says what the file has.

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    match arguments {
        [from] => {
            let description = sightwire_tflite::describe_model(&fs::read(from)?)?;
            println!("input {:?}", description.input);
            for (index, output) in description.outputs.iter().enumerate() {
                println!("output {index} {} {:?}", output.name, output.shape);
            }
        }
        [from, outputs, to] => {
            let file = fs::read(from)?;
            let outputs = outputs.split(',').map(str::parse).collect::<Result<Vec<usize>, _>>()?;
            let start = Instant::now();
            let converted = sightwire_tflite::to_onnx(&file, &outputs)?;
            println!("{} bytes became {} in {:.1?}", file.len(), converted.len(), start.elapsed());
            fs::write(to, converted)?;
        }
        _ => return Err("convert FILE.tflite [OUTPUTS FILE.onnx], outputs by number as in 0,1".into()),
    }
    Ok(())
}
