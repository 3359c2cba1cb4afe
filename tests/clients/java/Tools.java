import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Apache Kafka's command-line tools one after the other in one virtual machine: each line of standard input is a
 * main class and its arguments, separated by tabs; each line of standard output is {"code": N, "output": TEXT}.
 */
public final class Tools {
    static final class Left extends RuntimeException {
        final int code;

        Left(int code) {
            super(null, null, false, false);
            this.code = code;
        }
    }

    public static void main(String[] arguments) throws Exception {
        Integer[] first = {null};  // some tools catch what their first exit throws, and leave once more
        Exit.Procedure leave = (code, message) -> {
            if (first[0] == null) first[0] = code;
            throw new Left(code);
        };
        Exit.setExitProcedure(leave);
        Exit.setHaltProcedure(leave);
        PrintStream out = System.out;
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split("\t");
            ByteArrayOutputStream said = new ByteArrayOutputStream();
            PrintStream both = new PrintStream(said, true, StandardCharsets.UTF_8);
            System.setOut(both);
            System.setErr(both);
            first[0] = null;
            try {
                Class<?> tool = Class.forName(words[0]);
                tool.getMethod("main", String[].class).invoke(null, (Object) Arrays.copyOfRange(words, 1, words.length));
            } catch (java.lang.reflect.InvocationTargetException error) {
                if (!(error.getCause() instanceof Left)) {
                    error.getCause().printStackTrace();
                    first[0] = -1;
                }
            }
            int code = first[0] == null ? 0 : first[0];
            both.flush();
            out.println("{\"code\": " + code + ", \"output\": \"" + quoted(said.toString(StandardCharsets.UTF_8)) + "\"}");
            out.flush();
        }
    }

    static String quoted(String text) {
        StringBuilder quoted = new StringBuilder();
        for (char each : text.toCharArray()) {
            if (each == '"' || each == '\\') quoted.append('\\').append(each);
            else if (each < ' ') quoted.append(String.format("\\u%04x", (int) each));
            else quoted.append(each);
        }
        return quoted.toString();
    }
}
